/** Random requests and integers: what the test's own encoder writes, the decoders read. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deviceMajor,
  deviceMinor,
  encodeDevice,
  readI64,
  readU64,
  writeU64,
} from '../../../src/fuse/abi/integers.js';
import * as attr from '../../../src/fuse/messages/decode-attr.js';
import { decodeBatchForget } from '../../../src/fuse/messages/decode-forget.js';
import * as io from '../../../src/fuse/messages/decode-io.js';
import * as named from '../../../src/fuse/messages/decode-name.js';
import * as xattr from '../../../src/fuse/messages/decode-xattr.js';
import { decodeRequestHeader, RequestHeader } from '../../../src/fuse/messages/request.js';
import { cstring, exactView, staleView, u16, u32, u64, wireRequest } from '../../helpers/wire-requests.js';

const word = fc.integer({ min: 0, max: 0xffffffff });
const long = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const name = fc
  .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 1100 })
  .map((bytes) => String.fromCharCode(...bytes));
const data = fc.uint8Array({ maxLength: 5000 });

function saturated(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

function signed(value: bigint): number {
  const number = Number(BigInt.asIntN(64, value));
  return Math.min(Math.max(number, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

describe('64-bit integers', () => {
  const bytes = Buffer.alloc(8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const edges = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n];
  const either = fc.oneof(
    long,
    fc.constantFrom(...edges, ...edges.map((edge) => BigInt.asUintN(64, -edge - 1n))),
  );

  it('saturate when read unsigned', () => {
    fc.assert(
      fc.property(either, (value) => {
        u64(value).copy(bytes);
        expect(readU64(view, 0)).toBe(saturated(value));
      }),
    );
  });

  it('saturate at both ends when read signed', () => {
    fc.assert(
      fc.property(either, (value) => {
        u64(value).copy(bytes);
        expect(readI64(view, 0)).toBe(signed(value));
      }),
    );
  });

  it('are written exactly, negative ones as two’s complement', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        writeU64(view, 0, value);
        expect(bytes).toEqual(u64(BigInt(value)));
      }),
    );
  });
});

describe('device numbers', () => {
  it('round trip: major to 12 bits, minor to 20', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xfff }),
        fc.integer({ min: 0, max: 0xfffff }),
        (major, minor) => {
          const device = encodeDevice(major, minor);
          expect(device).toBeGreaterThanOrEqual(0);
          expect([deviceMajor(device), deviceMinor(device)]).toEqual([major, minor]);
        },
      ),
    );
  });

  it('are those of the kernel', () => {
    expect(encodeDevice(0, 0)).toBe(0);
    expect(encodeDevice(1, 3)).toBe(0x103);
    expect(encodeDevice(259, 256)).toBe(0x00110300);
    expect(encodeDevice(0xfff, 0xfffff)).toBe(0xffffffff);
  });
});

describe('round trip', () => {
  it('header', () => {
    fc.assert(
      fc.property(long, long, word, word, word, (unique, nodeId, uid, gid, pid) => {
        const out = new RequestHeader();
        decodeRequestHeader(exactView(wireRequest(1, cstring('x'), { unique, nodeId, uid, gid, pid })), out);
        expect((BigInt(out.uniqueHigh) << 32n) | BigInt(out.uniqueLow)).toBe(unique);
        expect(out).toMatchObject({ nodeId: saturated(nodeId), uid, gid, pid });
      }),
    );
  });

  it('mkdir with extensions, which it skips', () => {
    fc.assert(
      fc.property(word, word, name, word, (mode, umask, name, group) => {
        const extensions = Buffer.concat([u32(16), u32(32), u32(1), u32(group)]);
        const body = Buffer.concat([u32(mode), u32(umask), cstring(name)]);
        const request = exactView(wireRequest(9, body, { extensions }));
        const header = new RequestHeader();
        decodeRequestHeader(request, header);
        const out = new named.MkdirIn();
        named.decodeMkdir(request, out);
        expect({ ...out }).toEqual({ mode, umask, name });
      }),
    );
  });

  it('rename2, symlink', () => {
    fc.assert(
      fc.property(long, word, name, name, (parent, flags, from, to) => {
        const rename = new named.RenameIn();
        const body = Buffer.concat([u64(parent), u32(flags), u32(0), cstring(from), cstring(to)]);
        named.decodeRename2(exactView(wireRequest(45, body)), rename);
        expect({ ...rename }).toEqual({ oldName: from, parent: saturated(parent), name: to, flags });
        const symlink = new named.SymlinkIn();
        named.decodeSymlink(exactView(wireRequest(6, Buffer.concat([cstring(from), cstring(to)]))), symlink);
        expect({ ...symlink }).toEqual({ name: from, content: to });
      }),
    );
  });

  it('setattr', () => {
    fc.assert(
      fc.property(
        fc.tuple(long, long, long, long, long, long),
        fc.array(word, { minLength: 7, maxLength: 7 }),
        (longs, words) => {
          const body = Buffer.concat([
            u32(words[0]!),
            u32(0xeeeeeeee),
            ...longs.map(u64),
            ...words.slice(1, 5).map(u32),
            u32(0xeeeeeeee),
            ...words.slice(5).map(u32),
            u32(0xeeeeeeee),
          ]);
          const out = new attr.SetattrIn();
          attr.decodeSetattr(exactView(wireRequest(4, body)), out);
          expect({ ...out }).toEqual({
            valid: words[0],
            handle: saturated(longs[0]),
            size: saturated(longs[1]),
            lockOwnerLow: Number(longs[2] & 0xffffffffn),
            lockOwnerHigh: Number(longs[2] >> 32n),
            atimeSec: signed(longs[3]),
            mtimeSec: signed(longs[4]),
            ctimeSec: signed(longs[5]),
            atimeNsec: words[1],
            mtimeNsec: words[2],
            ctimeNsec: words[3],
            mode: words[4],
            uid: words[5],
            gid: words[6],
          });
        },
      ),
    );
  });

  it('write: the data is where the record says', () => {
    fc.assert(
      fc.property(long, long, word, data, (handle, offset, flags, data) => {
        const body = Buffer.concat([
          u64(handle),
          u64(offset),
          u32(data.length),
          u32(1),
          u64(7),
          u32(flags),
          u32(0),
          data,
        ]);
        const request = exactView(wireRequest(16, body));
        const out = new io.WriteIn();
        io.decodeWrite(request, out);
        expect(out).toMatchObject({ handle: saturated(handle), offset: saturated(offset), flags });
        const seen = request.bytes.subarray(out.dataStart, out.dataStart + out.dataLength);
        expect(Buffer.compare(seen, data)).toBe(0);
      }),
    );
  });

  it('setxattr in both forms: the value is where the record says', () => {
    fc.assert(
      fc.property(name, data, word, fc.boolean(), (name, value, flags, extended) => {
        const head = extended ? [u32(flags), u32(1), u32(0)] : [u32(flags)];
        const body = Buffer.concat([u32(value.length), ...head, cstring(name), value]);
        const request = exactView(wireRequest(21, body));
        const out = new xattr.SetxattrIn();
        xattr.decodeSetxattr(request, out, extended ? 'extended' : 'short');
        expect(out).toMatchObject({ name, flags, killSgid: extended });
        const seen = request.bytes.subarray(out.valueStart, out.valueStart + out.valueLength);
        expect(Buffer.compare(seen, value)).toBe(0);
      }),
    );
  });

  it('batch forget', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(long, long), { maxLength: 100 }), (nodes) => {
        const pairs = nodes.flatMap(([node, count]) => [u64(node), u64(count)]);
        const seen: number[][] = [];
        const body = Buffer.concat([u32(nodes.length), u32(0), ...pairs]);
        decodeBatchForget(exactView(wireRequest(42, body)), (node, count) => seen.push([node, count]));
        expect(seen).toEqual(nodes.map(([node, count]) => [saturated(node), saturated(count)]));
      }),
    );
  });
});

describe('bytes that are no request', () => {
  it('are refused with EPROTO or decoded from inside the request, never anything else', async () => {
    const { requestTable } = await import('./request-table.js');
    fc.assert(
      fc.property(fc.constantFrom(...requestTable), fc.uint8Array({ maxLength: 160 }), (one, noise) => {
        const request = wireRequest(one.opcode, Buffer.from(noise));
        const outcomes = [exactView(request), staleView(request, request.length)].map((view) => {
          try {
            decodeRequestHeader(view, new RequestHeader());
            return JSON.stringify(one.decode(view));
          } catch (error) {
            return (error as { code?: string }).code;
          }
        });
        expect(outcomes[0]).toBeDefined();
        expect(outcomes[1], 'depends on bytes behind the request').toBe(outcomes[0]);
      }),
      { numRuns: 2000 },
    );
  });

  it('extension areas of noise too', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 16 }), fc.nat(16), (words, units) => {
        const area = Buffer.concat(words.map(u32));
        const request = wireRequest(1, Buffer.concat([cstring('a'), area]));
        u16(units).copy(request, 36);
        const view = exactView(request);
        try {
          const header = new RequestHeader();
          decodeRequestHeader(view, header);
        } catch (error) {
          expect(error).toMatchObject({ code: 'EPROTO' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
