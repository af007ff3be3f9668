/** Each opcode calls its method with what the request said, and answers with what the method gave. */

import { describe, expect, it } from 'vitest';
import { type Exchange, NO_REPLY, performOperation } from '../../../src/engine/operations/operation.js';
import { operations } from '../../../src/engine/operations/operation-table.js';
import { Records } from '../../../src/engine/operations/session-records.js';
import { ENODATA, ENOSYS, ERANGE } from '../../../src/errno/errno.js';
import * as op from '../../../src/fuse/abi/abi-opcodes.js';
import { REPLY_BODY, ReplyBuffer } from '../../../src/fuse/messages/reply.js';
import { decodeRequestHeader, RequestHeader } from '../../../src/fuse/messages/request.js';
import type { FileSystem } from '../../../src/vfs/file-system.js';
import { exactView, hex, wireRequest } from '../../helpers/wire-requests.js';
import { requestTable } from '../fuse/request-table.js';
import { fakeFileSystem } from './fake-file-system.js';

const HANDLE = 0x0002_0304_0506_0708;

/** Runs the handler of a request by uid 1000 on node 5. @returns its result, and the body it left. */
function dispatch(
  opcode: number,
  body: string,
  fs: Partial<FileSystem>,
): { result: number; reply: Buffer; records: Records } {
  const request = exactView(wireRequest(opcode, hex(body), { nodeId: 5 }));
  const header = new RequestHeader();
  decodeRequestHeader(request, header);
  const records = new Records();
  const reply = new ReplyBuffer(65536);
  const exchange: Exchange = { fs: fakeFileSystem(fs), request, header, reply, records, setxattrExt: true };
  const result = performOperation(operations[opcode]!, exchange);
  return { result, reply: reply.bytes.subarray(REPLY_BODY, reply.length), records };
}

/** The body that the decoders are tested with. */
function bodyOf(opcode: number): string {
  return requestTable.findLast((one) => one.opcode === opcode)!.body;
}

interface Call {
  readonly opcode: number;
  readonly method: keyof FileSystem;
  /** The arguments that are not records to be filled, in their order. */
  readonly args: readonly unknown[];
  readonly gives?: unknown;
}

const named = { node: 5, name: 'a.txt' };
const range = { handle: HANDLE, offset: 0x1_0000_0000, length: Number.MAX_SAFE_INTEGER, mode: 3 };
const calls: readonly Call[] = [
  { opcode: op.FUSE_LOOKUP, method: 'lookup', args: [5, named.name], gives: true },
  { opcode: op.FUSE_SYMLINK, method: 'symlink', args: [5, 'l', '../x'] },
  { opcode: op.FUSE_MKDIR, method: 'mkdir', args: [5, 'd'] },
  { opcode: op.FUSE_MKNOD, method: 'mknod', args: [5, named.name] },
  { opcode: op.FUSE_RMDIR, method: 'rmdir', args: [5, 'd'] },
  { opcode: op.FUSE_REMOVEXATTR, method: 'removexattr', args: [5, 'user.a'] },
  { opcode: op.FUSE_READLINK, method: 'readlink', args: [5], gives: 'target' },
  { opcode: op.FUSE_READ, method: 'read', args: [5, HANDLE, 0x1_0000_1000], gives: 3 },
  { opcode: op.FUSE_WRITE, method: 'write', args: [5, HANDLE], gives: 3 },
  { opcode: op.FUSE_RELEASE, method: 'release', args: [5, HANDLE] },
  { opcode: op.FUSE_FSYNCDIR, method: 'fsyncdir', args: [5, 'all'] },
  { opcode: op.FUSE_FALLOCATE, method: 'fallocate', args: [5, HANDLE] },
  { opcode: op.FUSE_LSEEK, method: 'lseek', args: [5, HANDLE, -2, 4], gives: 0 },
  { opcode: op.FUSE_READDIR, method: 'readdir', args: [5, 0x1_0000_1000] },
  { opcode: op.FUSE_READDIRPLUS, method: 'readdir', args: [5, 0x1_0000_1000] },
  { opcode: op.FUSE_STATFS, method: 'statfs', args: [5] },
  { opcode: op.FUSE_GETXATTR, method: 'getxattr', args: [5, 'u.a'], gives: Buffer.from('v') },
  { opcode: op.FUSE_LISTXATTR, method: 'listxattr', args: [5], gives: Buffer.from('user.a\0') },
  { opcode: op.FUSE_STATX, method: 'getattr', args: [5, HANDLE] },
  { opcode: op.FUSE_IOCTL, method: 'inodeFlags', args: [5] },
  { opcode: op.FUSE_SETXATTR, method: 'setxattr', args: [5, 'u.a'] },
];

describe('a request', () => {
  it.each(calls)('$opcode calls $method', ({ opcode, method, args, gives }) => {
    const seen: unknown[][] = [];
    const fs = {
      [method]: (...given: unknown[]) => {
        seen.push(given.filter((one) => typeof one !== 'object'));
        return gives;
      },
    };
    const body = opcode === op.FUSE_READLINK || opcode === op.FUSE_STATFS ? '' : bodyOf(opcode);
    expect(dispatch(opcode, body, fs).result).toBe(0);
    expect(seen).toEqual([args]);
  });

  it('for a name that does not exist is answered with how long that holds', () => {
    const { result, reply } = dispatch(op.FUSE_LOOKUP, bodyOf(op.FUSE_LOOKUP), {
      lookup: (_, __, out) => {
        out.nodeId = 9 as typeof out.nodeId;
        out.ttlMs = 1500;
        return false;
      },
    });
    expect(result).toBe(0);
    expect(reply.readBigUInt64LE(0)).toBe(0n);
    expect([reply.readBigUInt64LE(16), reply.readUInt32LE(32)]).toEqual([1n, 500_000_000]);
  });

  it('makes a symlink of mode 0777 and a device of its numbers', () => {
    const symlink = dispatch(op.FUSE_SYMLINK, bodyOf(op.FUSE_SYMLINK), { symlink: () => undefined });
    expect(symlink.records.creation.mode).toBe(0o120777);
    const { records } = dispatch(op.FUSE_MKNOD, bodyOf(op.FUSE_MKNOD), { mknod: () => undefined });
    expect(records.creation).toMatchObject({
      mode: 0o60660,
      umask: 0o22,
      rdevMajor: 0x123,
      rdevMinor: 0x45678,
    });
  });

  it('READ is answered with the bytes that were filled in place', () => {
    const { reply } = dispatch(op.FUSE_READ, bodyOf(op.FUSE_READ), {
      read: (_, __, ___, into) => {
        into.set([1, 2, 3]);
        return 3;
      },
    });
    expect([...reply]).toEqual([1, 2, 3]);
  });

  it('WRITE hands over its data in place, with what is to become of set-id bits', () => {
    const { reply } = dispatch(op.FUSE_WRITE, bodyOf(op.FUSE_WRITE), {
      write: (_, __, data) => {
        expect(Buffer.from(data.bytes).toString('hex')).toBe('aabbcc');
        expect(data).toMatchObject({ offset: 0x1_0000_1000, killPriv: true, flags: 0x8001 });
        return 2;
      },
    });
    expect(reply.readUInt32LE(0)).toBe(2);
  });

  it('FALLOCATE and COPY_FILE_RANGE hand over their ranges', () => {
    dispatch(op.FUSE_FALLOCATE, bodyOf(op.FUSE_FALLOCATE), {
      fallocate: (_, __, given) => expect(given).toMatchObject(range),
    });
    for (const opcode of [op.FUSE_COPY_FILE_RANGE, op.FUSE_COPY_FILE_RANGE_64]) {
      const { reply } = dispatch(opcode, bodyOf(opcode), {
        copyFileRange: (source, target) => {
          expect(source).toMatchObject({ handle: HANDLE, offset: 0x1_0000_0001 });
          expect(target).toMatchObject({ handle: 4, offset: 0x6_0000_0005 });
          return 4096;
        },
      });
      expect(reply.readUInt32LE(0)).toBe(4096);
    }
  });

  it('for an attribute tells its length at size 0, ERANGE when it is too small, ENODATA without one', () => {
    const value = Buffer.from('12345');
    const ask = (size: string, getxattr: () => Uint8Array | undefined) =>
      dispatch(op.FUSE_GETXATTR, `${size} 00 00 00 00 00 00 00 75 2e 61 00`, { getxattr });
    expect(ask('00', () => value).reply.readUInt32LE(0)).toBe(5);
    expect(ask('04', () => value).result).toBe(-ERANGE);
    expect(ask('05', () => value).reply.toString()).toBe('12345');
    expect(ask('05', () => undefined).result).toBe(-ENODATA);
  });

  it('to forget wants no answer', () => {
    const forgotten: unknown[] = [];
    const fs = { forget: (...given: unknown[]) => void forgotten.push(given) };
    expect(dispatch(op.FUSE_FORGET, '03 00 00 00 00 00 00 00', fs).result).toBe(NO_REPLY);
    const two = `02 00 00 00 00 00 00 00 ${'09 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 '.repeat(2).trim()}`;
    expect(dispatch(op.FUSE_BATCH_FORGET, two, fs).result).toBe(NO_REPLY);
    expect(forgotten).toEqual([
      [5, 3],
      [9, 2],
      [9, 2],
    ]);
  });

  it('to open a directory is answered ENOSYS, so that the kernel asks no more', () => {
    expect(dispatch(op.FUSE_OPENDIR, bodyOf(op.FUSE_OPEN), {}).result).toBe(-ENOSYS);
  });
});

describe('SETATTR', () => {
  /** FATTR bits: mode 1, uid 2, gid 4, size 8, atime 16, mtime 32, handle 64, atime now 128, mtime now 256. */
  function changeOf(valid: number): unknown {
    const body = Buffer.alloc(88);
    body.writeUInt32LE(valid, 0);
    body.writeBigUInt64LE(7n, 8);
    body.writeBigUInt64LE(4096n, 16);
    body.writeBigInt64LE(-1n, 32);
    body.writeBigInt64LE(2n, 40);
    body.writeUInt32LE(999_999_999, 56);
    body.writeUInt32LE(5, 60);
    body.writeUInt32LE(0o600, 68);
    body.writeUInt32LE(3, 76);
    body.writeUInt32LE(4, 80);
    let seen: unknown;
    dispatch(op.FUSE_SETATTR, body.toString('hex'), {
      setattr: (_, change) => {
        seen = { ...change };
      },
    });
    return seen;
  }

  it('names only what is to change', () => {
    const none = { mode: undefined, uid: undefined, gid: undefined, sizeBytes: undefined, handle: undefined };
    expect(changeOf(0)).toMatchObject({ ...none, atimeSec: undefined, mtimeSec: undefined });
    expect(changeOf(1)).toMatchObject({ ...none, mode: 0o600 });
    expect(changeOf(2 | 4)).toMatchObject({ ...none, uid: 3, gid: 4 });
    expect(changeOf(8 | 64)).toMatchObject({ ...none, sizeBytes: 4096, handle: 7 });
  });

  it('tells times from before 1970, and "now" from a time', () => {
    expect(changeOf(16 | 32)).toMatchObject({
      atimeSec: -1,
      atimeNsec: 999_999_999,
      mtimeSec: 2,
      mtimeNsec: 5,
    });
    expect(changeOf(16 | 128 | 32 | 256)).toMatchObject({ atimeSec: 'now', mtimeSec: 'now' });
  });
});
