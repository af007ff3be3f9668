/**
 * One request for each opcode that has a body, its bytes written by hand from the kernel's header, and what its decoder
 * must say. `needed` is the shortest body that is still whole, where that is not all of it.
 */

import * as attr from '../../../src/fuse/messages/decode-attr.js';
import { decodeGetattr, decodeSetattr, decodeStatx } from '../../../src/fuse/messages/decode-attr.js';
import { decodeBatchForget, decodeForget, ForgetIn } from '../../../src/fuse/messages/decode-forget.js';
import * as io from '../../../src/fuse/messages/decode-io.js';
import * as misc from '../../../src/fuse/messages/decode-misc.js';
import * as named from '../../../src/fuse/messages/decode-name.js';
import * as open from '../../../src/fuse/messages/decode-open.js';
import * as xattr from '../../../src/fuse/messages/decode-xattr.js';
import type { RequestView } from '../../../src/fuse/messages/request.js';

export interface RequestCase {
  readonly title: string;
  readonly opcode: number;
  readonly body: string;
  readonly needed?: number;
  readonly decode: (request: RequestView) => unknown;
  readonly expected: object;
}

/** Fills a new record. */
function record<T>(make: new () => T, decode: (request: RequestView, out: T) => void) {
  return (request: RequestView): T => {
    const out = new make();
    decode(request, out);
    return out;
  };
}

function forgotten(request: RequestView): unknown {
  const seen: unknown[] = [];
  decodeBatchForget(request, (node, nlookup) => seen.push([node, nlookup]));
  return { seen };
}

function setxattr(extended: boolean) {
  return (request: RequestView): xattr.SetxattrIn => {
    const out = new xattr.SetxattrIn();
    xattr.decodeSetxattr(request, out, extended ? 'extended' : 'short');
    return out;
  };
}

/** 0x0002030405060708, the largest kind of handle: all eight bytes differ and the value is below 2^53. */
const H = '08 07 06 05 04 03 02 00';
const HANDLE = 0x0002_0304_0506_0708;
/** Lock owner 0xf1f2f3f4f5f6f7f8. */
const OWNER = 'f8 f7 f6 f5 f4 f3 f2 f1';
const owner = { lockOwnerLow: 0xf5f6f7f8, lockOwnerHigh: 0xf1f2f3f4 };
const A_TXT = '61 2e 74 78 74 00';
const READ_BODY = `${H} 00 10 00 00 01 00 00 00  00 00 02 00 02 00 00 00 ${OWNER} 00 80 00 00 00 00 00 00`;
const readExpected = {
  handle: HANDLE,
  offset: 0x1_0000_1000,
  size: 0x20000,
  readFlags: 2,
  ...owner,
  flags: 0x8000,
};

const names: readonly RequestCase[] = [
  {
    title: 'LOOKUP',
    opcode: 1,
    body: A_TXT,
    decode: record(named.NameIn, named.decodeName),
    expected: { name: 'a.txt' },
  },
  {
    title: 'UNLINK of a name that is no UTF-8',
    opcode: 10,
    body: 'ff fe 01 00',
    decode: record(named.NameIn, named.decodeName),
    expected: { name: '\xff\xfe\x01' },
  },
  {
    title: 'RMDIR',
    opcode: 11,
    body: '64 00',
    decode: record(named.NameIn, named.decodeName),
    expected: { name: 'd' },
  },
  {
    title: 'REMOVEXATTR',
    opcode: 24,
    body: '75 73 65 72 2e 61 00',
    decode: record(named.NameIn, named.decodeName),
    expected: { name: 'user.a' },
  },
  {
    title: 'SYMLINK',
    opcode: 6,
    body: '6c 00 2e 2e 2f 78 00',
    decode: record(named.SymlinkIn, named.decodeSymlink),
    expected: { name: 'l', content: '../x' },
  },
  {
    title: 'MKNOD of device 0x123:0x45678',
    opcode: 8,
    body: `b0 61 00 00  78 23 61 45  12 00 00 00 00 00 00 00 ${A_TXT}`,
    decode: record(named.MknodIn, named.decodeMknod),
    expected: { mode: 0o60660, umask: 0o22, rdevMajor: 0x123, rdevMinor: 0x45678, name: 'a.txt' },
  },
  {
    title: 'MKDIR',
    opcode: 9,
    body: 'ed 41 00 00 12 00 00 00 64 00',
    decode: record(named.MkdirIn, named.decodeMkdir),
    expected: { mode: 0o40755, umask: 0o22, name: 'd' },
  },
  {
    title: 'RENAME',
    opcode: 12,
    body: `${H} 61 00 62 63 00`,
    decode: record(named.RenameIn, named.decodeRename),
    expected: { oldName: 'a', parent: HANDLE, name: 'bc', flags: 0 },
  },
  {
    title: 'RENAME2 with RENAME_EXCHANGE',
    opcode: 45,
    body: `${H} 02 00 00 00 00 00 00 00 61 62 00 63 00`,
    decode: record(named.RenameIn, named.decodeRename2),
    expected: { oldName: 'ab', parent: HANDLE, name: 'c', flags: 2 },
  },
  {
    title: 'LINK',
    opcode: 13,
    body: `${H} ${A_TXT}`,
    decode: record(named.LinkIn, named.decodeLink),
    expected: { node: HANDLE, name: 'a.txt' },
  },
];

const forgets: readonly RequestCase[] = [
  {
    title: 'FORGET',
    opcode: 2,
    body: '07 00 00 00 01 00 00 00',
    decode: record(ForgetIn, decodeForget),
    expected: { nlookup: 0x1_0000_0007 },
  },
  {
    title: 'BATCH_FORGET of two nodes',
    opcode: 42,
    body: `02 00 00 00 00 00 00 00 ${H} 03 00 00 00 00 00 00 00 09 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00`,
    decode: forgotten,
    expected: {
      seen: [
        [HANDLE, 3],
        [0x1_0000_0009, 1],
      ],
    },
  },
  {
    title: 'BATCH_FORGET of none',
    opcode: 42,
    body: '00 00 00 00 00 00 00 00',
    decode: forgotten,
    expected: { seen: [] },
  },
];

const attributes: readonly RequestCase[] = [
  {
    title: 'GETATTR without a handle',
    opcode: 3,
    body: `00 00 00 00 00 00 00 00 ${H}`,
    decode: record(attr.GetattrIn, decodeGetattr),
    expected: { flags: 0, handle: undefined },
  },
  {
    title: 'GETATTR with a handle',
    opcode: 3,
    body: `01 00 00 00 00 00 00 00 ${H}`,
    decode: record(attr.GetattrIn, decodeGetattr),
    expected: { flags: 1, handle: HANDLE },
  },
  {
    title: 'SETATTR with times before 1970',
    opcode: 4,
    body: `ff 0f 00 00 00 00 00 00 ${H} 00 00 00 00 02 00 00 00 ${OWNER}
      ff ff ff ff ff ff ff ff  00 00 00 80 ff ff ff ff  01 00 00 00 01 00 00 00
      01 00 00 00 ff c9 9a 3b 03 00 00 00  a4 81 00 00 00 00 00 00 e8 03 00 00 e9 03 00 00 00 00 00 00`,
    decode: record(attr.SetattrIn, decodeSetattr),
    expected: {
      valid: 0xfff,
      handle: HANDLE,
      size: 0x2_0000_0000,
      ...owner,
      atimeSec: -1,
      mtimeSec: -0x8000_0000,
      ctimeSec: 0x1_0000_0001,
      atimeNsec: 1,
      mtimeNsec: 999_999_999,
      ctimeNsec: 3,
      mode: 0o100644,
      uid: 1000,
      gid: 1001,
    },
  },
  {
    title: 'STATX',
    opcode: 52,
    body: `01 00 00 00 00 00 00 00 ${H} 00 20 00 00 ff 0f 00 00`,
    decode: record(attr.StatxIn, decodeStatx),
    expected: { flags: 1, handle: HANDLE, statxFlags: 0x2000, mask: 0xfff },
  },
];

const opens: readonly RequestCase[] = [
  {
    title: 'OPEN',
    opcode: 14,
    body: '02 82 00 00 01 00 00 00',
    decode: record(open.OpenIn, open.decodeOpen),
    expected: { flags: 0x8202, openFlags: 1 },
  },
  {
    title: 'OPENDIR',
    opcode: 27,
    body: '00 00 01 00 00 00 00 00',
    decode: record(open.OpenIn, open.decodeOpen),
    expected: { flags: 0x10000, openFlags: 0 },
  },
  {
    title: 'CREATE',
    opcode: 35,
    body: `c1 80 00 00 a4 81 00 00 12 00 00 00 01 00 00 00 ${A_TXT}`,
    decode: record(open.CreateIn, open.decodeCreate),
    expected: { flags: 0x80c1, mode: 0o100644, umask: 0o22, openFlags: 1, name: 'a.txt' },
  },
  {
    title: 'TMPFILE',
    opcode: 51,
    body: '02 80 41 00 80 81 00 00 3f 00 00 00 00 00 00 00 2f 00',
    needed: 16,
    decode: record(open.TmpfileIn, open.decodeTmpfile),
    expected: { flags: 0x418002, mode: 0o100600, umask: 0o77, openFlags: 0 },
  },
  {
    title: 'FLUSH',
    opcode: 25,
    body: `${H} 00 00 00 00 00 00 00 00 ${OWNER}`,
    decode: record(open.FlushIn, open.decodeFlush),
    expected: { handle: HANDLE, ...owner },
  },
  {
    title: 'FSYNC',
    opcode: 20,
    body: `${H} 01 00 00 00 00 00 00 00`,
    decode: record(open.FsyncIn, open.decodeFsync),
    expected: { handle: HANDLE, fsyncFlags: 1 },
  },
  {
    title: 'FSYNCDIR',
    opcode: 30,
    body: `${H} 00 00 00 00 00 00 00 00`,
    decode: record(open.FsyncIn, open.decodeFsync),
    expected: { handle: HANDLE, fsyncFlags: 0 },
  },
  {
    title: 'RELEASE',
    opcode: 18,
    body: `${H} 02 80 00 00 03 00 00 00 ${OWNER}`,
    decode: record(open.ReleaseIn, open.decodeRelease),
    expected: { handle: HANDLE, flags: 0x8002, releaseFlags: 3, ...owner },
  },
  {
    title: 'RELEASEDIR',
    opcode: 29,
    body: `${H} 00 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00`,
    decode: record(open.ReleaseIn, open.decodeRelease),
    expected: { handle: HANDLE, flags: 0x10000, releaseFlags: 0, lockOwnerLow: 0, lockOwnerHigh: 0 },
  },
];

const contents: readonly RequestCase[] = [
  {
    title: 'READ',
    opcode: 15,
    body: READ_BODY,
    decode: record(io.ReadIn, io.decodeRead),
    expected: readExpected,
  },
  {
    title: 'READDIR',
    opcode: 28,
    body: READ_BODY,
    decode: record(io.ReadIn, io.decodeRead),
    expected: readExpected,
  },
  {
    title: 'READDIRPLUS',
    opcode: 44,
    body: READ_BODY,
    decode: record(io.ReadIn, io.decodeRead),
    expected: readExpected,
  },
  {
    title: 'WRITE',
    opcode: 16,
    body: `${H} 00 10 00 00 01 00 00 00 03 00 00 00 07 00 00 00 ${OWNER} 01 80 00 00 00 00 00 00 aa bb cc`,
    decode: record(io.WriteIn, io.decodeWrite),
    expected: {
      handle: HANDLE,
      offset: 0x1_0000_1000,
      dataStart: 80,
      dataLength: 3,
      writeFlags: 7,
      ...owner,
      flags: 0x8001,
    },
  },
  {
    title: 'FALLOCATE up to the end of time',
    opcode: 43,
    body: `${H} 00 00 00 00 01 00 00 00 ff ff ff ff ff ff ff 7f 03 00 00 00 00 00 00 00`,
    decode: record(io.FallocateIn, io.decodeFallocate),
    expected: {
      handle: HANDLE,
      offset: 0x1_0000_0000,
      length: Number.MAX_SAFE_INTEGER,
      mode: 3,
      killPriv: false,
    },
  },
  {
    title: 'LSEEK to a negative offset',
    opcode: 46,
    body: `${H} fe ff ff ff ff ff ff ff 04 00 00 00 00 00 00 00`,
    decode: record(io.LseekIn, io.decodeLseek),
    expected: { handle: HANDLE, offset: -2, whence: 4 },
  },
  ...[47, 53].map((opcode) => ({
    title: opcode === 47 ? 'COPY_FILE_RANGE' : 'COPY_FILE_RANGE_64',
    opcode,
    body: `${H} 01 00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 04 00 00 00 00 00 00 00
      05 00 00 00 06 00 00 00 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00`,
    decode: record(io.CopyFileRangeIn, io.decodeCopyFileRange),
    expected: {
      source: { node: 0x3_0000_0007, handle: HANDLE, offset: 0x1_0000_0001, killPriv: false },
      target: { node: 0x3_0000_0002, handle: 4, offset: 0x6_0000_0005, killPriv: false },
      length: Number.MAX_SAFE_INTEGER,
      flags: 0,
    },
  })),
];

const xattrs: readonly RequestCase[] = [
  {
    title: 'SETXATTR, short form',
    opcode: 21,
    body: '02 00 00 00 01 00 00 00 75 2e 61 00 aa bb',
    decode: setxattr(false),
    expected: { name: 'u.a', valueStart: 52, valueLength: 2, flags: 1, killSgid: false },
  },
  {
    title: 'SETXATTR, extended form',
    opcode: 21,
    body: '02 00 00 00 02 00 00 00 01 00 00 00 00 00 00 00 75 2e 61 00 aa bb',
    decode: setxattr(true),
    expected: { name: 'u.a', valueStart: 60, valueLength: 2, flags: 2, killSgid: true },
  },
  {
    title: 'SETXATTR of an empty value',
    opcode: 21,
    body: '00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 75 2e 61 00',
    decode: setxattr(true),
    expected: { name: 'u.a', valueStart: 60, valueLength: 0, flags: 0, killSgid: false },
  },
  {
    title: 'GETXATTR',
    opcode: 22,
    body: '00 10 00 00 00 00 00 00 75 2e 61 00',
    decode: record(xattr.GetxattrIn, xattr.decodeGetxattr),
    expected: { size: 4096, name: 'u.a' },
  },
  {
    title: 'LISTXATTR',
    opcode: 23,
    body: '00 00 01 00 00 00 00 00',
    decode: record(xattr.ListxattrIn, xattr.decodeListxattr),
    expected: { size: 65536 },
  },
];

const rest: readonly RequestCase[] = [
  {
    title: 'INIT of a kernel with FUSE_INIT_EXT',
    opcode: 26,
    body: `07 00 00 00 2d 00 00 00 00 00 02 00 fb ff ff 73 ff 07 00 00 ${'00 '.repeat(44)}`,
    needed: 20,
    decode: record(misc.InitIn, misc.decodeInit),
    expected: { major: 7, minor: 45, maxReadahead: 0x20000, flags: 0x73fffffb, flags2: 0x7ff },
  },
  {
    title: 'INIT of a kernel before it',
    opcode: 26,
    body: '07 00 00 00 1f 00 00 00 00 00 02 00 fb ff ff 03',
    decode: record(misc.InitIn, misc.decodeInit),
    // The first 8 bytes alone are a valid INIT too: truncation.test.ts has that case apart.
    needed: 16,
    expected: { major: 7, minor: 31, maxReadahead: 0x20000, flags: 0x03fffffb, flags2: 0 },
  },
  {
    title: 'INTERRUPT',
    opcode: 36,
    body: OWNER,
    decode: record(misc.InterruptIn, misc.decodeInterrupt),
    expected: { uniqueLow: 0xf5f6f7f8, uniqueHigh: 0xf1f2f3f4 },
  },
  {
    title: 'IOCTL',
    opcode: 39,
    body: `${H} 10 00 00 00 01 66 08 80 00 f0 ff ff ff 7f 00 00 02 00 00 00 08 00 00 00 aa bb`,
    decode: record(misc.IoctlIn, misc.decodeIoctl),
    expected: {
      handle: HANDLE,
      flags: 16,
      cmd: 0x80086601,
      arg: 0x7fff_ffff_f000,
      dataStart: 72,
      dataLength: 2,
      outSize: 8,
    },
  },
];

export const requestTable: readonly RequestCase[] = [
  ...names,
  ...forgets,
  ...attributes,
  ...opens,
  ...contents,
  ...xattrs,
  ...rest,
];
