/** What is refused before a mount is attempted, and that a refusal leaves nothing behind. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildConfig, type MountOptions } from '../../../src/daemon/config/build-config.js';
import { contains } from '../../../src/daemon/config/refusal.js';
import { MAX_STACK_LAYERS, validateConfig } from '../../../src/daemon/config/validate-config.js';
import { UserError } from '../../../src/errno/user-error.js';

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'plyfs-validate-')));
  for (const name of ['l1/sub', 'l2', 'u/in', 'm', 'w']) mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'file'), '');
  writeFileSync(join(root, 'layer.tar.gz'), '');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function refusalOf(options: Partial<MountOptions>): string {
  try {
    validateConfig(buildConfig({ mountpoint: 'm', ...options }, root));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message.replaceAll(root, '');
  }
  return 'accepted';
}

const refused: [options: Partial<MountOptions>, message: string][] = [
  [{}, "cannot mount on '/m': no layer and no upper is given"],
  [{ layers: ['nope'] }, "cannot mount on '/m': layer '/nope': no such directory"],
  [{ layers: ['file'] }, "cannot mount on '/m': layer '/file': not a directory"],
  [{ layers: ['layer.tar.gz'] }, "cannot mount on '/m': layer '/layer.tar.gz': not a directory"],
  [{ layers: ['l1'], mountpoint: 'nope' }, "cannot mount on '/nope': no such directory"],
  [{ layers: ['l1'], mountpoint: 'file' }, "cannot mount on '/file': not a directory"],
  [{ layers: ['l1'], mountpoint: 'l1/sub' }, "cannot mount on '/l1/sub': it lies inside layer '/l1'"],
  [{ layers: ['l1'], upper: 'u', mountpoint: 'u/in' }, "cannot mount on '/u/in': it lies inside upper '/u'"],
  [
    { layers: ['l1'], upper: 'u', work: 'w', mountpoint: 'w' },
    "cannot mount on '/w': it lies inside work '/w'",
  ],
  [{ layers: ['l1', 'l1'] }, "cannot mount on '/m': layer '/l1' is given twice"],
  [{ layers: ['l1', 'l1/sub'] }, "cannot mount on '/m': layer '/l1/sub' lies inside layer '/l1'"],
  [{ layers: ['l1'], upper: 'nope' }, "cannot mount on '/m': upper '/nope': no such directory"],
  [{ layers: ['l1'], upper: 'file' }, "cannot mount on '/m': upper '/file': not a directory"],
  [{ layers: ['l1'], upper: 'l1' }, "cannot mount on '/m': upper '/l1' is a layer too"],
  [{ layers: ['l1'], upper: 'l1/sub' }, "cannot mount on '/m': upper '/l1/sub' lies inside layer '/l1'"],
  [{ layers: ['l1/sub'], upper: 'l1' }, "cannot mount on '/m': layer '/l1/sub' lies inside upper '/l1'"],
  [
    { layers: ['l1'], upper: 'u', work: 'u/in' },
    "cannot mount on '/m': upper '/u' and work '/u/in' must be separate trees",
  ],
  [
    { layers: ['l1'], upper: 'u/in', work: 'u' },
    "cannot mount on '/m': upper '/u/in' and work '/u' must be separate trees",
  ],
  [
    { layers: ['l1'], upper: 'u', work: 'u' },
    "cannot mount on '/m': upper '/u' and work '/u' must be separate trees",
  ],
  [
    { layers: ['l1'], upper: 'u', work: 'l1/w' },
    "cannot mount on '/m': work '/l1/w' lies inside layer '/l1'",
  ],
  [{ layers: ['l1'], upper: 'u', work: 'no/w' }, "cannot mount on '/m': work '/no/w': no such directory"],
  [{ layers: ['l1'], upper: 'u', work: 'file' }, "cannot mount on '/m': work '/file': not a directory"],
  [{ layers: ['l1'], work: 'w' }, "cannot mount on '/m': work '/w' is given without an upper"],
  [
    { layers: ['l1'], upper: 'u', work: '/proc/w' },
    "cannot mount on '/m': work '/proc/w' and upper '/u' are on different file systems",
  ],
];

describe('validateConfig()', () => {
  it.each(refused)('refuses %j', (options, message) => {
    const before = readdirSync(root);
    expect(refusalOf(options)).toBe(message);
    expect(readdirSync(root)).toEqual(before);
  });

  it(`refuses more than ${MAX_STACK_LAYERS} layers`, () => {
    const layers = Array.from({ length: MAX_STACK_LAYERS + 1 }, (_, index) => `layer${index}`);
    expect(refusalOf({ layers })).toBe("cannot mount on '/m': 501 layers are given, 500 are the limit");
  });

  it('sees through symlinks: an upper that leads into a layer is refused', () => {
    symlinkSync('l1/sub', join(root, 'link'));
    expect(refusalOf({ layers: ['l1'], upper: 'link' })).toMatch(
      /upper '\/l1\/sub' lies inside layer '\/l1'/,
    );
  });

  it('accepts a mount point that is a layer or the upper itself, as overlayfs does', () => {
    expect(refusalOf({ layers: ['l1'], mountpoint: 'l1' })).toBe('accepted');
    expect(refusalOf({ layers: ['l1'], upper: 'u', mountpoint: 'u' })).toBe('accepted');
  });

  it('accepts an upper without a layer', () => {
    expect(refusalOf({ upper: 'u' })).toBe('accepted');
  });

  it('makes a missing work directory beside upper, closed to others, and says so', () => {
    const config = buildConfig({ mountpoint: 'm', layers: ['l1'], upper: 'u' }, root);
    expect(validateConfig(config)).toEqual({ madeWork: true });
    expect(existsSync(join(root, 'u.work'))).toBe(true);
    expect(validateConfig(config)).toEqual({ madeWork: false });
  });

  it('says why a work directory cannot be made', () => {
    const message = refusalOf({ layers: ['l1'], upper: '/sys/kernel', work: '/sys/kernel.work' });
    expect(message).toMatch(/^cannot mount on '\/m': work '\/sys\/kernel.work' cannot be made: /);
  });
});

describe('contains()', () => {
  it.each([
    ['/a', '/a', true],
    ['/a', '/a/b', true],
    ['/a', '/ab', false],
    ['/a/b', '/a', false],
    ['/', '/a', true],
  ])('of %s and %s is %s', (outer, inner, expected) => {
    expect(contains(outer, inner)).toBe(expected);
  });
});
