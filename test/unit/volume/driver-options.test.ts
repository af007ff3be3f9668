/** What names and options a volume may have, and the words for those that it may not. */

import { describe, expect, test } from 'vitest';
import { backingOf, checkDriver } from '../../../src/volume/backing/driver-options.js';
import { checkVolumeName, newAnonymousName } from '../../../src/volume/volume-names.js';

describe('checkVolumeName()', () => {
  test.each([
    'ab',
    'A0',
    '0a',
    'a-b',
    'a_b',
    'a.b',
    'a'.repeat(255),
    newAnonymousName(),
  ])('takes %s', (name) => {
    expect(() => checkVolumeName(name)).not.toThrow();
  });

  test.each([
    '',
    'a',
    '-a',
    '.a',
    '_a',
    '/a',
    'a/b',
    'a b',
    '..',
    'ä0',
    'a\n',
    'aé',
  ])('refuses %j', (name) => {
    expect(() => checkVolumeName(name)).toThrow(
      /^invalid volume name '.*': only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\]\+ is allowed/,
    );
  });

  test('refuses what no directory can be named', () => {
    expect(() => checkVolumeName('a'.repeat(256))).toThrow(
      "invalid volume name 'aaaaaaaaaaaaaaaaaaaa...': longer than 255 characters",
    );
  });
});

describe('newAnonymousName()', () => {
  test('gives 64 hex digits, others each time', () => {
    expect(newAnonymousName()).toMatch(/^[0-9a-f]{64}$/);
    expect(newAnonymousName()).not.toBe(newAnonymousName());
  });
});

describe('checkDriver()', () => {
  test('knows local alone', () => {
    expect(() => checkDriver('local')).not.toThrow();
    expect(() => checkDriver(undefined)).not.toThrow();
    expect(() => checkDriver('nfs')).toThrow("no such volume driver: 'nfs'");
  });
});

describe('backingOf()', () => {
  test.each([
    [{}, { kind: 'directory' }],
    [{ size: '10m' }, { kind: 'image', sizeBytes: 10 * 1024 * 1024 }],
    [
      { type: 'tmpfs', device: 'tmpfs', o: 'mode=700', size: '64m' },
      { kind: 'mount', type: 'tmpfs', device: 'tmpfs', options: 'mode=700,size=67108864' },
    ],
    [
      { type: 'nfs', device: ':/export', o: 'addr=10.0.0.1,rw' },
      { kind: 'mount', type: 'nfs', device: '10.0.0.1:/export', options: 'rw' },
    ],
    [
      { type: 'nfs4', device: ':/export', o: 'addr=fe80::1' },
      { kind: 'mount', type: 'nfs4', device: '[fe80::1]:/export', options: '' },
    ],
    [
      { type: 'nfs', device: 'host:/export', o: 'addr=10.0.0.1' },
      { kind: 'mount', type: 'nfs', device: 'host:/export', options: 'addr=10.0.0.1' },
    ],
    [
      { type: 'none', device: '/srv', o: 'bind' },
      { kind: 'mount', type: 'none', device: '/srv', options: 'bind' },
    ],
  ])('understands %j', (options, backing) => {
    expect(backingOf(options as unknown as Record<string, string>)).toEqual(backing);
  });

  test.each([
    [{ sise: '1m' }, "invalid volume option: 'sise'"],
    [{ type: 'nfs' }, "missing required volume option: 'device'"],
    [{ device: '/dev/sdx' }, "missing required volume option: 'type'"],
    [{ o: 'ro' }, "missing required volume option: 'type'"],
    [{ type: '', device: 'x' }, "missing required volume option: 'type'"],
    [{ size: 'big' }, "invalid volume option 'size=big': invalid size: 'big'"],
    [{ size: '100k' }, "invalid volume option 'size=100k': less than 1 MiB"],
    [
      { type: 'nfs', device: 'h:/x', size: '1g' },
      "invalid volume option 'size=1g': a size cannot be kept on type 'nfs'",
    ],
    [{ type: 'x\0', device: 'y' }, "invalid volume option 'type': it holds a NUL byte"],
  ])('refuses %j', (options, message) => {
    expect(() => backingOf(options as unknown as Record<string, string>)).toThrow(message);
  });
});
