/** What the package's 32-bit fields and milliseconds make of attributes. */

import { describe, expect, it } from 'vitest';
import { foldInode, packageStatOf, statFsOf } from '../../../src/engine/fuse-native/package-records.js';
import { bytesOf, pathNames, textOfName } from '../../../src/engine/fuse-native/text-names.js';
import { timesOfUtimens, withMtime } from '../../../src/engine/fuse-native/utimens-record.js';
import { Attr, StatFs } from '../../../src/vfs/attr.js';
import { nameFromText } from '../../../src/vfs/name.js';

describe('statOf()', () => {
  it('cuts times to milliseconds, and shows those before 1970 as 1970', () => {
    const attr = new Attr();
    attr.mtimeSec = 1000;
    attr.mtimeNsec = 123_456_789;
    attr.atimeSec = -5;
    expect(packageStatOf(attr)).toMatchObject({ mtime: 1_000_123, atime: 0 });
  });

  it('passes device numbers in the form of st_rdev', () => {
    const attr = new Attr();
    attr.rdevMajor = 0x123;
    attr.rdevMinor = 0x45678;
    expect(packageStatOf(attr).rdev).toBe(0x45612378);
  });
});

describe('foldInode()', () => {
  it('keeps numbers of 32 bits, and tells the same number on two devices apart', () => {
    expect(foldInode(2 ** 32 - 1)).toBe(2 ** 32 - 1);
    const numbers = [7, 7 + 2 ** 48, 7 + 2 * 2 ** 48].map(foldInode);
    expect(new Set(numbers).size).toBe(3);
    expect(numbers.every((ino) => ino > 0 && ino < 2 ** 32)).toBe(true);
  });
});

describe('statFsOf()', () => {
  it('counts more than 2^32 blocks in larger ones', () => {
    const stat = new StatFs();
    stat.blocks = 2 ** 34;
    stat.bfree = 2 ** 33;
    const shown = statFsOf(stat);
    expect(shown.blocks).toBeLessThan(2 ** 32);
    expect(shown.blocks * shown.frsize).toBe(2 ** 34 * 4096);
    expect(shown.bfree * shown.frsize).toBe(2 ** 33 * 4096);
  });
});

describe('names', () => {
  it('pass through as UTF-8', () => {
    expect(pathNames('/a//bé', 'x')).toEqual(['a', nameFromText('bé')]);
    expect(textOfName(nameFromText('bé'), 'x')).toBe('bé');
  });

  it('are refused when they are not UTF-8, in either direction', () => {
    expect(() => textOfName('\xff', 'x')).toThrow(/multibyte/);
    expect(() => bytesOf('a\ufffd', 'x')).toThrow(/multibyte/);
  });
});

describe('the record of utimens', () => {
  function record(atimeMs: bigint, mtimeMs: bigint): Buffer {
    const bytes = Buffer.alloc(360);
    bytes.writeUInt32LE(12, 8);
    bytes.writeBigInt64LE(atimeMs, 104);
    bytes.writeBigInt64LE(mtimeMs, 112);
    return bytes;
  }

  it('gives the mtime that the package drops', () => {
    expect(timesOfUtimens(record(5n, 7n), 5)).toEqual({ atimeMs: 5, mtimeMs: 7 });
  });

  it('is not believed when it is not as the version that was read has it', () => {
    expect(timesOfUtimens(record(5n, 7n), 6)).toBeUndefined();
    expect(timesOfUtimens(Buffer.alloc(368), 0)).toBeUndefined();
    expect(timesOfUtimens(Buffer.alloc(360), 0)).toBeUndefined();
  });

  it('carries both times through the words that the package adds up, also before 1970', () => {
    const seen: number[] = [];
    const handler = withMtime((_record, _operation, _path, aLow, aHigh, mLow, mHigh) => {
      seen.push(Number(aLow) + Number(aHigh) * 2 ** 32, Number(mLow) + Number(mHigh) * 2 ** 32);
    });
    handler(record(1_600_000_000_123n, -5000n), 12, '/f', 1_600_000_000_123 % 2 ** 32, 372, 0, 0);
    expect(seen).toEqual([1_600_000_000_123, -5000]);
    handler(Buffer.alloc(0), 12, '/f', 0, 0, 0, 0);
    expect(seen.slice(2)).toEqual([Number.NaN, Number.NaN]);
  });
});
