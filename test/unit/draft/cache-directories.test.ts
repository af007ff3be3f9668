/** Which directories of the user's keep what programs can fetch again. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cacheDirectories, cacheVariables } from '../../../src/draft/mount/cache-directories.js';

const home = mkdtempSync(join(tmpdir(), 'plyfs-home-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('those that exist, free of symlinks, and none that meets what the draft covers', () => {
  mkdirSync(join(home, 'disk/cache'), { recursive: true });
  mkdirSync(join(home, '.npm/work'), { recursive: true });
  mkdirSync(join(home, 'rust/registry'), { recursive: true });
  symlinkSync('disk/cache', join(home, '.cache'));
  const environment = { HOME: home, CARGO_HOME: join(home, 'rust') };
  const cache = join(home, 'disk/cache');
  const registry = join(home, 'rust/registry');
  expect(cacheDirectories(environment, [])).toEqual([cache, join(home, '.npm'), registry]);
  expect(cacheDirectories(environment, [join(home, '.npm/work'), join(home, 'rust')])).toEqual([cache]);
  expect(cacheDirectories({ ...environment, XDG_CACHE_HOME: registry }, [home])).toEqual([]);
  expect(cacheDirectories({ HOME: 'relative' }, [])).toEqual([]);
  expect(cacheDirectories({ XDG_CACHE_HOME: '/', npm_config_cache: '/proc/self' }, [])).toEqual([]);
});

test('variables for those that are not there and cannot be made, and none for what can', () => {
  const bare = join(home, 'bare');
  mkdirSync(join(bare, 'project'), { recursive: true });
  mkdirSync(join(bare, '.cache'));
  const environment = { HOME: bare, GOMODCACHE: join(bare, 'project/modules') };
  const over = [join(bare, 'project')];
  const variables = { npm_config_cache: '/var/tmp/.npm_config_cache', CARGO_HOME: '/var/tmp/.cargo_home' };
  expect(cacheVariables(environment, over, '/var/tmp')).toEqual(variables);
  expect(
    cacheVariables({ HOME: bare, npm_config_cache: '/nowhere/x', CARGO_HOME: bare }, over, '/var/tmp'),
  ).toEqual({
    npm_config_cache: '/var/tmp/.npm_config_cache',
    GOMODCACHE: '/var/tmp/.gomodcache',
  });
  expect(cacheVariables({ HOME: bare }, [bare], '/var/tmp')).toEqual({});
  expect(cacheVariables({}, over, '/var/tmp')).toEqual({});
});
