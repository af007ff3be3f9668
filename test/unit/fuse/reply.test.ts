import { describe, expect, it } from 'vitest';
import { FOPEN_KEEP_CACHE, FOPEN_PASSTHROUGH } from '../../../src/fuse/abi/abi-flags.js';
import {
  encodeAttr,
  encodeCreate,
  encodeEntry,
  encodeNegativeEntry,
  encodeOpen,
  encodeStatx,
} from '../../../src/fuse/messages/encode-entry.js';
import * as misc from '../../../src/fuse/messages/encode-misc.js';
import {
  encodeBytes,
  encodeFilled,
  encodeName,
  finishReply,
  REPLY_BODY,
  ReplyBuffer,
} from '../../../src/fuse/messages/reply.js';
import { RequestHeader } from '../../../src/fuse/messages/request.js';
import { Attr, Entry, Opened, StatFs, TTL_FOREVER } from '../../../src/vfs/attr.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { hex } from '../../helpers/wire-requests.js';

/** The body that `encode` writes over a buffer full of an older reply. */
function body(encode: (reply: ReplyBuffer) => void): string {
  const reply = new ReplyBuffer(8192);
  reply.bytes.fill(0xee);
  encode(reply);
  return reply.bytes.toString('hex', REPLY_BODY, reply.length);
}

function digits(text: string): string {
  return hex(text).toString('hex');
}

function fillAttr(attr: Attr): Attr {
  return Object.assign(attr, {
    ino: 0x0002_0304_0506_0708,
    mode: 0o60644,
    nlink: 2,
    uid: 1000,
    gid: 0xfffffffe,
    rdevMajor: 0x123,
    rdevMinor: 0x45678,
    sizeBytes: 0x1_0000_0005,
    blocks: 9,
    blksize: 4096,
    atimeSec: -1,
    atimeNsec: 1,
    mtimeSec: 0x1_0000_0002,
    mtimeNsec: 999_999_999,
    ctimeSec: -0x8000_0000,
    ctimeNsec: 3,
    ttlMs: 1500,
  });
}

const ATTR = `08 07 06 05 04 03 02 00 05 00 00 00 01 00 00 00 09 00 00 00 00 00 00 00
  ff ff ff ff ff ff ff ff 02 00 00 00 01 00 00 00 00 00 00 80 ff ff ff ff
  01 00 00 00 ff c9 9a 3b 03 00 00 00 a4 61 00 00 02 00 00 00 e8 03 00 00 fe ff ff ff
  78 23 61 45 00 10 00 00 00 00 00 00`;
/** Node 0x200000007, generation 3, name for 2^40 s, attributes for 1.5 s. */
const ENTRY = `07 00 00 00 02 00 00 00 03 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 01 00 00 00 00 00 00 00
  00 00 00 00 00 65 cd 1d ${ATTR}`;

function entry(): Entry {
  const one = new Entry();
  one.nodeId = 0x2_0000_0007 as NodeId;
  one.generation = 3;
  one.ttlMs = TTL_FOREVER;
  fillAttr(one.attr);
  return one;
}

function opened(change: Partial<Opened>): Opened {
  return Object.assign(new Opened(), { handle: 0x1_0000_0002, keepCache: false, noFlush: false }, change);
}

describe('encodeEntry() and its like', () => {
  it('writes an entry of 128 bytes', () => {
    expect(body((reply) => encodeEntry(reply, entry()))).toBe(digits(ENTRY));
  });

  it('writes attributes with their time to live', () => {
    expect(body((reply) => encodeAttr(reply, fillAttr(new Attr())))).toBe(
      digits(`01 00 00 00 00 00 00 00 00 65 cd 1d 00 00 00 00 ${ATTR}`),
    );
  });

  it('writes the answer to a STATX, with the time of birth where there is one', () => {
    const basic = `01 00 00 00 00 00 00 00 00 65 cd 1d ${'00 '.repeat(20)} ff 07 00 00 00 10 00 00 ${'00 '.repeat(8)}`;
    const born = basic.replace('ff 07', 'ff 0f');
    const middle = `02 00 00 00 e8 03 00 00 fe ff ff ff a4 61 00 00 08 07 06 05 04 03 02 00 05 00 00 00 01 00 00 00
      09 00 00 00 00 00 00 00 ${'00 '.repeat(8)} ff ff ff ff ff ff ff ff 01 00 00 00 00 00 00 00`;
    const end = `00 00 00 80 ff ff ff ff 03 00 00 00 00 00 00 00 02 00 00 00 01 00 00 00 ff c9 9a 3b 00 00 00 00
      23 01 00 00 78 56 04 00 ${'00 '.repeat(120)}`;
    const attr = fillAttr(new Attr());
    expect(body((reply) => encodeStatx(reply, attr))).toBe(
      digits(`${basic} ${middle} ${'00 '.repeat(16)} ${end}`),
    );
    Object.assign(attr, { hasBtime: true, btimeSec: -2, btimeNsec: 5 });
    const birth = 'fe ff ff ff ff ff ff ff 05 00 00 00 00 00 00 00';
    expect(body((reply) => encodeStatx(reply, attr))).toBe(digits(`${born} ${middle} ${birth} ${end}`));
  });

  it('writes an entry and an opened file for create', () => {
    expect(body((reply) => encodeCreate(reply, entry(), opened({ noFlush: true })))).toBe(
      digits(`${ENTRY} 02 00 00 00 01 00 00 00 20 00 00 00 00 00 00 00`),
    );
  });

  it('writes a negative entry: node 0, the time for the name, nothing else', () => {
    expect(body((reply) => encodeNegativeEntry(reply, 2250))).toBe(
      digits(
        `${'00 '.repeat(16)} 02 00 00 00 00 00 00 00 ${'00 '.repeat(8)} 80 b2 e6 0e ${'00 '.repeat(92)}`,
      ),
    );
  });

  it.each([
    [0, '00 00 00 00 00 00 00 00', '00 00 00 00'],
    [1, '00 00 00 00 00 00 00 00', '40 42 0f 00'],
    [999, '00 00 00 00 00 00 00 00', 'c0 87 8b 3b'],
    [5_000_000_000_000, '00 f2 05 2a 01 00 00 00', '00 00 00 00'],
    [TTL_FOREVER, '00 00 00 00 00 01 00 00', '00 00 00 00'],
    [2 ** 40 * 1000 + 1000, '00 00 00 00 00 01 00 00', '00 00 00 00'],
  ])('writes a time to live of %d ms', (ttlMs, seconds, nanoseconds) => {
    const written = body((reply) => encodeNegativeEntry(reply, ttlMs));
    expect(written.slice(32, 48)).toBe(digits(seconds));
    expect(written.slice(64, 72)).toBe(digits(nanoseconds));
  });
});

describe('encodeOpen()', () => {
  it.each([
    ['nothing', {}, '00 00 00 00 00 00 00 00'],
    ['keepCache', { keepCache: true }, '02 00 00 00 00 00 00 00'],
    ['directIo', { directIo: true }, '01 00 00 00 00 00 00 00'],
    ['noFlush', { noFlush: true }, '20 00 00 00 00 00 00 00'],
    ['a backing file', { backingId: 5 }, '80 00 00 00 05 00 00 00'],
  ])('writes %s', (_what, change, flagsAndBacking) => {
    expect(body((reply) => encodeOpen(reply, opened(change)))).toBe(
      digits(`02 00 00 00 01 00 00 00 ${flagsAndBacking}`),
    );
  });

  it('keeps FOPEN_KEEP_CACHE from a file with a backing id, which the kernel would refuse', () => {
    const reply = new ReplyBuffer(512);
    encodeOpen(reply, opened({ keepCache: true, noFlush: true, backingId: 1 }));
    const flags = reply.view.getUint32(REPLY_BODY + 8, true);
    expect(flags & FOPEN_KEEP_CACHE).toBe(0);
    expect(flags & FOPEN_PASSTHROUGH).toBe(FOPEN_PASSTHROUGH);
  });
});

describe('replies of few fields', () => {
  it('WRITE and COPY_FILE_RANGE', () => {
    expect(body((reply) => misc.encodeWrite(reply, 0x100000))).toBe(digits('00 00 10 00 00 00 00 00'));
  });

  it('COPY_FILE_RANGE_64', () => {
    expect(body((reply) => misc.encodeCopyFileRange64(reply, 0x1_0000_0002))).toBe(
      digits('02 00 00 00 01 00 00 00'),
    );
  });

  it('LSEEK', () => {
    expect(body((reply) => misc.encodeLseek(reply, 0x3_0000_0004))).toBe(digits('04 00 00 00 03 00 00 00'));
  });

  it('GETXATTR and LISTXATTR of size 0', () => {
    expect(body((reply) => misc.encodeXattrSize(reply, 300))).toBe(digits('2c 01 00 00 00 00 00 00'));
  });

  it('STATFS', () => {
    const stat = Object.assign(new StatFs(), {
      bsize: 0x1000,
      frsize: 0x200,
      blocks: 0x1_0000_0000,
      bfree: 2,
      bavail: 3,
      files: 4,
      ffree: 5,
      nameMax: 255,
    });
    expect(body((reply) => misc.encodeStatFs(reply, stat))).toBe(
      digits(`00 00 00 00 01 00 00 00 02 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00
        05 00 00 00 00 00 00 00 00 10 00 00 ff 00 00 00 00 02 00 00 ${'00 '.repeat(28)}`),
    );
  });

  it('IOCTL', () => {
    expect(body((reply) => misc.encodeIoctl(reply, -1, hex('aa bb')))).toBe(
      digits(`ff ff ff ff ${'00 '.repeat(12)} aa bb`),
    );
  });

  it('plain bytes, data filled in place, and the content of a symlink', () => {
    expect(body((reply) => encodeBytes(reply, hex('61 00 62 00')))).toBe('61006200');
    expect(body((reply) => encodeFilled(reply, 3))).toBe('eeeeee');
    expect(body((reply) => encodeName(reply, '../\xff'))).toBe('2e2e2fff');
    expect(body((reply) => encodeName(reply, '\xe9'.repeat(4095)))).toBe('e9'.repeat(4095));
  });

  it('refuses what the buffer cannot hold', () => {
    const reply = new ReplyBuffer(512);
    const tooLong = 512 - REPLY_BODY + 1;
    expect(() => encodeBytes(reply, new Uint8Array(tooLong))).toThrow(RangeError);
    expect(() => encodeFilled(reply, tooLong)).toThrow(RangeError);
    expect(() => encodeName(reply, 'x'.repeat(tooLong))).toThrow(RangeError);
    expect(() => misc.encodeIoctl(reply, 0, new Uint8Array(tooLong - 16))).toThrow(RangeError);
    expect(() => new ReplyBuffer(511)).toThrow(RangeError);
  });
});

describe('finishReply()', () => {
  const header = Object.assign(new RequestHeader(), { uniqueLow: 0xf1f2f3f4, uniqueHigh: 0x80000001 });

  it('puts length, error and unique in front of the body', () => {
    const reply = new ReplyBuffer(512);
    misc.encodeWrite(reply, 5);
    const length = finishReply(reply, header, 0);
    expect(reply.bytes.toString('hex', 0, length)).toBe(
      digits('18 00 00 00 00 00 00 00 f4 f3 f2 f1 01 00 00 80 05 00 00 00 00 00 00 00'),
    );
  });

  it('drops the body of an error', () => {
    const reply = new ReplyBuffer(512);
    misc.encodeWrite(reply, 5);
    const length = finishReply(reply, header, -2);
    expect(reply.bytes.toString('hex', 0, length)).toBe(
      digits('10 00 00 00 fe ff ff ff f4 f3 f2 f1 01 00 00 80'),
    );
  });

  it('leaves nothing for the next reply', () => {
    const reply = new ReplyBuffer(512);
    misc.encodeWrite(reply, 5);
    finishReply(reply, header, -2);
    expect(finishReply(reply, header, 0)).toBe(16);
    misc.encodeWrite(reply, 5);
    reply.reset();
    expect(finishReply(reply, header, 0)).toBe(16);
  });
});
