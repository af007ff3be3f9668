/**
 * Who we are to a registry, and what its challenges say.
 */

import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { retryAfterMs } from '../../../../src/image/registry/retry.js';
import { parseChallenges } from '../../../../src/image/registry/sign-in/challenge.js';
import { findCredentials } from '../../../../src/image/registry/sign-in/docker-config.js';
import { deleteTree } from '../../../../src/store/delete-tree.js';

let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plyfs-credentials-'));
  env = { DOCKER_CONFIG: folder, HOME: folder };
});

afterEach(() => deleteTree(folder));

function configure(config: unknown): void {
  writeFileSync(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
}

const encoded = (text: string): string => Buffer.from(text).toString('base64');

describe('findCredentials()', () => {
  test('reads user and password, with colons in it, of host, port and old URL', () => {
    configure({
      auths: { 'a:5000': { auth: encoded('u:p:q') }, 'https://b/v1/': { username: 'v', password: 'w' } },
    });
    expect(findCredentials('a:5000', env)).toEqual({ username: 'u', password: 'p:q' });
    expect(findCredentials('b', env)).toEqual({ username: 'v', password: 'w' });
    expect(findCredentials('a', env)).toBeUndefined();
  });

  test('prefers the entry that names most of the repository', () => {
    const auth = (user: string) => ({ auth: encoded(`${user}:s`) });
    configure({
      auths: { a: auth('all'), 'a/team': auth('team'), 'a/team/app': auth('app'), b: auth('other') },
    });
    const names = ['a/other', 'a/team/x', 'a/team/app', 'a/teams'];
    const users = names.map((name) => findCredentials(name, env)?.username);
    expect(users).toEqual(['all', 'team', 'app', 'all']);
  });

  test('reads an identity token', () => {
    configure({ auths: { a: { auth: encoded('u:'), identitytoken: 'T' } } });
    expect(findCredentials('a', env)).toEqual({ username: 'u', password: '', identityToken: 'T' });
  });

  test('has none without a file, and takes those of Podman then', () => {
    expect(findCredentials('a', env)).toBeUndefined();
    mkdirSync(join(folder, 'containers'));
    writeFileSync(
      join(folder, 'containers/auth.json'),
      JSON.stringify({ auths: { a: { auth: encoded('u:p') } } }),
    );
    expect(findCredentials('a', { ...env, XDG_RUNTIME_DIR: folder })).toEqual({
      username: 'u',
      password: 'p',
    });
  });

  test('asks the helper of the host', () => {
    const helper = join(folder, 'docker-credential-mine');
    writeFileSync(
      helper,
      '#!/bin/sh\nread host; echo "{\\"Username\\":\\"u-$host\\",\\"Secret\\":\\"s\\"}"\n',
    );
    chmodSync(helper, 0o755);
    configure({ credHelpers: { a: 'mine' } });
    const path = process.env.PATH;
    process.env.PATH = `${folder}:${path}`;
    try {
      expect(findCredentials('a', env)).toEqual({ username: 'u-a', password: 's' });
    } finally {
      process.env.PATH = path;
    }
  });

  test.each([
    ['{', /it is no JSON/],
    [{ auths: { a: { auth: encoded('nocolon') } } }, /the 'auth' of 'a' is no user:password/],
    [{ credHelpers: { a: '../x' } }, /invalid credential helper '..\/x'/],
    [{ credHelpers: { a: 'is-not-there' } }, /cannot run 'docker-credential-is-not-there'/],
  ])('says what is wrong with %j', (config, message) => {
    configure(config);
    expect(() => findCredentials('a', env)).toThrow(message);
  });
});

describe('parseChallenges()', () => {
  test.each([
    ['', []],
    ['Basic realm="a b"', [{ scheme: 'basic', parameters: { realm: 'a b' } }]],
    [
      'Bearer realm="https://x/t?a=1,b",service=reg,scope="r:a:pull,push", Basic realm=y',
      [
        {
          scheme: 'bearer',
          parameters: { realm: 'https://x/t?a=1,b', service: 'reg', scope: 'r:a:pull,push' },
        },
        { scheme: 'basic', parameters: { realm: 'y' } },
      ],
    ],
    ['Bearer realm="a\\"b"', [{ scheme: 'bearer', parameters: { realm: 'a"b' } }]],
    ['Negotiate', [{ scheme: 'negotiate', parameters: {} }]],
  ])('reads %s', (header, challenges) => {
    expect(parseChallenges(header)).toEqual(challenges);
  });
});

test('retryAfterMs() reads seconds and dates', () => {
  expect(retryAfterMs('3')).toBe(3000);
  expect(retryAfterMs('Thu, 01 Jan 1970 00:00:10 GMT', 4000)).toBe(6000);
  expect([retryAfterMs(undefined), retryAfterMs('soon')]).toEqual([undefined, undefined]);
});
