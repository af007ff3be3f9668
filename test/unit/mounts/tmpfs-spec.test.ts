import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errno/user-error.js';
import { parseSize } from '../../../src/mounts/request/size.js';
import { parseTmpfsSpec } from '../../../src/mounts/request/tmpfs-spec.js';

const context = { cwd: '/', memoryBytes: 1000 * 4096 };

describe('parseTmpfsSpec()', () => {
  it('takes a target alone', () => {
    expect(parseTmpfsSpec('/run/', context)).toEqual({
      type: 'tmpfs',
      source: undefined,
      target: '/run',
      readOnly: false,
      spec: '/run/',
      origin: 'tmpfs',
      notices: [],
    });
  });

  it.each([
    ['/t:', { readOnly: false }],
    ['/t:ro', { readOnly: true }],
    ['/t:ro,rw', { readOnly: false }],
    ['/t:size=64m,mode=1777', { sizeBytes: 64 * 1024 ** 2, mode: 0o1777 }],
    ['/t:size=65536k', { sizeBytes: 64 * 1024 ** 2 }],
    ['/t:size=50%', { sizeBytes: 500 * 4096 }],
    ['/t:nr_blocks=2', { sizeBytes: 8192 }],
    ['/t:nr_inodes=1k', { maxInodes: 1024 }],
    ['/t:uid=1000,gid=100', { uid: 1000, gid: 100 }],
  ])('reads %s', (raw, expected) => {
    expect(parseTmpfsSpec(raw, context)).toMatchObject(expected);
  });

  it('says once that options for the whole mount do nothing', () => {
    expect(parseTmpfsSpec('/t:noexec,nosuid,nodev,mpol=bind', context).notices).toHaveLength(1);
  });

  it('takes size=0 as no limit', () => {
    expect(parseTmpfsSpec('/t:size=0', context)).not.toHaveProperty('sizeBytes');
  });

  it.each([
    ['', 'field Target must not be empty'],
    ['t', "invalid mount path: 't' mount path must be absolute"],
    ['/', "invalid specification: destination can't be '/'"],
    ['/t:bogus', "invalid tmpfs option: 'bogus'"],
    ['/t:ro=1', "invalid tmpfs option: 'ro=1'"],
    ['/t:size', "invalid value for 'size': value is empty"],
    ['/t:size=', "invalid value for 'size': value is empty"],
    ['/t:size=x', "invalid size: 'x'"],
    ['/t:mode=8', 'invalid value for mode: 8'],
    ['/t:uid=-1', "invalid value for 'uid': '-1' is no id"],
  ])('refuses %j and names the whole specification', (raw, reason) => {
    expect(() => parseTmpfsSpec(raw, context)).toThrow(`invalid tmpfs specification: '${raw}': ${reason}`);
  });

  it('refuses a percentage where the memory is not known', () => {
    expect(() => parseTmpfsSpec('/t:size=5%', { cwd: '/' })).toThrow(
      'the size of the memory is not known here',
    );
  });
});

describe('parseSize()', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['1b', 1],
    ['1k', 1024],
    ['1K', 1024],
    ['64m', 67_108_864],
    ['64MB', 67_108_864],
    ['64MiB', 67_108_864],
    ['1 g', 1_073_741_824],
    ['1.5g', 1_610_612_736],
    ['.5k', 512],
    ['2t', 2_199_023_255_552],
    ['1p', 1024 ** 5],
    ['1.0001k', 1024],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    '',
    'm',
    '-1',
    '1x',
    '1mm',
    '1bb',
    '1ib',
    '1  k',
    ' 1',
    '0x10',
    '1e3',
    'NaN',
    '64m\n',
  ])('refuses %j', (text) => {
    expect(() => parseSize(text)).toThrow(UserError);
    expect(() => parseSize(text)).toThrow('invalid size: ');
  });

  it('refuses what it cannot count exactly', () => {
    expect(() => parseSize('8p')).toThrow("invalid size: '8p' is too large");
    expect(() => parseSize('9'.repeat(400))).toThrow('is too large');
  });
});
