import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DirentBuffer } from '../../../src/fuse/messages/encode-dirent.js';
import { REPLY_BODY, ReplyBuffer } from '../../../src/fuse/messages/reply.js';
import { Entry } from '../../../src/vfs/attr.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { hex } from '../../helpers/wire-requests.js';

interface Parsed {
  readonly node: number;
  readonly ino: number;
  readonly offset: number;
  readonly type: number;
  readonly name: string;
}

/** Walks the records as fs/fuse/readdir.c does: a record that is not whole ends the listing. */
function parse(bytes: Buffer, plus: boolean): Parsed[] {
  const seen: Parsed[] = [];
  const head = plus ? 128 : 0;
  let at = 0;
  while (bytes.length - at >= head + 24) {
    const dirent = at + head;
    const nameLength = bytes.readUInt32LE(dirent + 16);
    const size = Math.ceil((head + 24 + nameLength) / 8) * 8;
    if (size > bytes.length - at) break;
    seen.push({
      node: plus ? Number(bytes.readBigUInt64LE(at)) : 0,
      ino: Number(bytes.readBigUInt64LE(dirent)),
      offset: Number(bytes.readBigUInt64LE(dirent + 8)),
      type: bytes.readUInt32LE(dirent + 20),
      name: bytes.toString('latin1', dirent + 24, dirent + 24 + nameLength),
    });
    at += size;
  }
  expect(at, 'bytes behind the last record').toBe(bytes.length);
  return seen;
}

function listing(maxSize: number, plus: boolean): { reply: ReplyBuffer; sink: DirentBuffer } {
  const reply = new ReplyBuffer(8192);
  reply.bytes.fill(0xee);
  const sink = new DirentBuffer();
  sink.begin(reply, maxSize, plus ? 'plus' : 'plain');
  return { reply, sink };
}

describe('DirentBuffer', () => {
  it('writes records padded with zeros to 8 bytes', () => {
    const { reply, sink } = listing(4096, false);
    sink.add('abc', 0x1_0000_0002, 8, 3);
    sink.add('12345678', 5, 4, Number.MAX_SAFE_INTEGER);
    expect(sink.length).toBe(64);
    expect(reply.length).toBe(REPLY_BODY + 64);
    expect(reply.bytes.subarray(REPLY_BODY, reply.length)).toEqual(
      hex(`02 00 00 00 01 00 00 00 03 00 00 00 00 00 00 00 03 00 00 00 08 00 00 00 61 62 63 00 00 00 00 00
        05 00 00 00 00 00 00 00 ff ff ff ff ff ff 1f 00 08 00 00 00 04 00 00 00 31 32 33 34 35 36 37 38`),
    );
  });

  it('writes the entry before the record in a listing with attributes', () => {
    const { reply, sink } = listing(4096, true);
    const entry = new Entry();
    entry.nodeId = 7 as NodeId;
    entry.attr.ino = 9;
    entry.attr.mode = 0o100644;
    sink.addPlus('a', entry, 8, 1);
    const bytes = reply.bytes.subarray(REPLY_BODY, reply.length);
    expect(bytes.length).toBe(160);
    expect(bytes.readUInt32LE(100)).toBe(0o100644);
    expect(parse(bytes, true)).toEqual([{ node: 7, ino: 9, offset: 1, type: 8, name: 'a' }]);
  });

  it('writes an entry of node 0 for a name without attributes', () => {
    const { reply, sink } = listing(4096, true);
    sink.add('.', 9, 4, 1);
    const bytes = reply.bytes.subarray(REPLY_BODY, reply.length);
    expect(bytes.subarray(0, 128)).toEqual(Buffer.alloc(128));
    expect(parse(bytes, true)).toEqual([{ node: 0, ino: 9, offset: 1, type: 4, name: '.' }]);
  });

  it('fits to the last byte, padding included, and not beyond', () => {
    const { sink } = listing(64, false);
    sink.add('a', 1, 8, 1);
    expect(sink.fits(8)).toBe(true);
    expect(sink.fits(9)).toBe(false);
    sink.add('12345678', 2, 8, 2);
    expect(sink.fits(1)).toBe(false);
    const cut = listing(31, false);
    expect(cut.sink.fits(1)).toBe(false);
  });

  it('is bounded by the reply buffer when the request asks for more', () => {
    const { sink } = listing(1 << 20, false);
    expect(sink.fits(8192 - REPLY_BODY - 24)).toBe(true);
    expect(sink.fits(8192 - REPLY_BODY - 23)).toBe(false);
  });

  it('refuses what does not fit, and a reference in a listing that has none', () => {
    const { sink } = listing(24, false);
    expect(() => sink.add('a', 1, 8, 1)).toThrow(RangeError);
    const wide = listing(4096, false);
    expect(() => wide.sink.addPlus('a', new Entry(), 8, 1)).toThrow(RangeError);
    expect(wide.sink.length).toBe(0);
  });

  it('fits nothing before a listing begins', () => {
    expect(new DirentBuffer().fits(1)).toBe(false);
  });

  it('starts anew with begin()', () => {
    const { reply, sink } = listing(4096, true);
    sink.add('a', 1, 8, 1);
    sink.begin(reply, 4096, 'plain');
    expect(sink.length).toBe(0);
    sink.add('b', 1, 8, 1);
    expect(parse(reply.bytes.subarray(REPLY_BODY, reply.length), false)).toHaveLength(1);
  });

  it('round trip: whatever was added is what a reader of the records sees', () => {
    const name = fc
      .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 255 })
      .map((bytes) => String.fromCharCode(...bytes));
    const item = fc.record({
      name,
      ino: fc.maxSafeNat(),
      offset: fc.maxSafeNat(),
      type: fc.integer({ min: 0, max: 15 }),
    });
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 60 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 9000 }),
        (items, plus, size) => {
          const { reply, sink } = listing(size, plus);
          const expected: Parsed[] = [];
          const entry = new Entry();
          for (const { name, ino, offset, type } of items) {
            if (!sink.fits(name.length)) break;
            entry.nodeId = (expected.length + 2) as NodeId;
            entry.attr.ino = ino;
            if (plus) sink.addPlus(name, entry, type, offset);
            else sink.add(name, ino, type, offset);
            expected.push({ node: plus ? entry.nodeId : 0, ino, offset, type, name });
          }
          expect(sink.length).toBeLessThanOrEqual(size);
          expect(parse(reply.bytes.subarray(REPLY_BODY, reply.length), plus)).toEqual(expected);
        },
      ),
    );
  });
});
