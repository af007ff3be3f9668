/** Sizes and offsets against the C compiler's, for the records that this host's linux/fuse.h has; needs cc. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as abi from '../../../src/fuse/abi/abi.js';
import { encodeAttr, encodeEntry, encodeOpen } from '../../../src/fuse/messages/encode-entry.js';
import * as misc from '../../../src/fuse/messages/encode-misc.js';
import { ReplyBuffer } from '../../../src/fuse/messages/reply.js';
import { decodeRequestHeader, RequestHeader } from '../../../src/fuse/messages/request.js';
import { encodeInit, negotiate } from '../../../src/fuse/negotiate.js';
import { encodeInvalInode } from '../../../src/fuse/notify.js';
import { type Attr, Entry, Opened, StatFs } from '../../../src/vfs/attr.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { exactView, hex, wireRequest } from '../../helpers/wire-requests.js';
import { requestTable } from './request-table.js';

const BIG = 0x0002_0304_0506_0708;
const owner = { lockOwnerLow: 0xf5f6f7f8, lockOwnerHigh: 0xf1f2f3f4 };

/** FUSE_INIT_EXT came with 7.36, the oldest header that structs.c builds with. */
const probe = '#include <linux/fuse.h>\n#ifndef FUSE_INIT_EXT\n#error old\n#endif\n';
const compiles = spawnSync('cc', ['-fsyntax-only', '-x', 'c', '-'], { input: probe }).status === 0;

/** structs.c's output: `size mkdir_in` -> `8`. */
const facts = new Map<string, string>();

beforeAll(() => {
  if (!compiles) return;
  const folder = mkdtempSync(join(tmpdir(), 'plyfs-structs-'));
  try {
    const program = join(folder, 'structs');
    execFileSync('cc', ['-o', program, join(import.meta.dirname, 'structs.c')]);
    for (const line of execFileSync(program, { encoding: 'utf8' }).trimEnd().split('\n')) {
      const at = line.lastIndexOf(' ');
      facts.set(line.slice(0, at), line.slice(at + 1));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);

/** Records that linux/fuse.h 7.36 does not have, or that are a short form. */
const NEWER = [
  'BACKING_MAP',
  'COPY_FILE_RANGE_OUT',
  'NOTIFY_PRUNE_OUT',
  'STATX_IN',
  'STATX_OUT',
  'INIT_IN_SHORT',
  'SETXATTR_IN_SHORT',
];

describe.runIf(compiles)('record sizes', () => {
  const sizes = Object.entries(abi).filter(([name]) => name.startsWith('SIZEOF_'));

  it.each(sizes)('%s is %d', (constant, value) => {
    const name = constant.slice('SIZEOF_'.length);
    const measured = facts.get(`size ${name.toLowerCase()}`);
    if (NEWER.includes(name)) expect(measured).toBeUndefined();
    else expect(measured).toBe(String(value));
  });

  it('the ioctl that clones a device has the number of the header', () => {
    expect(facts.get('ioctl clone')).toBe(String(abi.FUSE_DEV_IOC_CLONE));
  });
});

describe.runIf(compiles)('requests laid out by the compiler', () => {
  it('header', () => {
    const out = new RequestHeader();
    decodeRequestHeader(exactView(hex(facts.get('bytes in_header')!)), out);
    expect({ ...out }).toEqual({
      len: 40,
      opcode: 3,
      uniqueLow: owner.lockOwnerLow,
      uniqueHigh: owner.lockOwnerHigh,
      nodeId: BIG,
      uid: 1,
      gid: 2,
      pid: 3,
    });
  });

  it.each([
    {
      record: 'copy_file_range_in',
      title: 'COPY_FILE_RANGE',
      expected: {
        source: { node: 1, handle: 1, offset: 2, killPriv: false },
        target: { node: 3, handle: 4, offset: 5, killPriv: false },
        length: BIG,
        flags: 6,
      },
    },
    {
      record: 'create_in',
      title: 'CREATE',
      tail: 'n\0',
      expected: { flags: 1, mode: 2, umask: 3, openFlags: 4, name: 'n' },
    },
    {
      record: 'fallocate_in',
      title: 'FALLOCATE',
      expected: { handle: BIG, offset: 1, length: 2, mode: 3, killPriv: false },
    },
    { record: 'flush_in', title: 'FLUSH', expected: { handle: BIG, ...owner } },
    { record: 'fsync_in', title: 'FSYNC', expected: { handle: BIG, fsyncFlags: 1 } },
    { record: 'getattr_in', title: 'GETATTR', expected: { flags: 1, handle: BIG } },
    { record: 'getxattr_in', title: 'GETXATTR', tail: 'n\0', expected: { size: 77, name: 'n' } },
    {
      record: 'init_in',
      title: 'INIT',
      expected: { major: 7, minor: 36, maxReadahead: 9, flags: 0x40000001, flags2: 5 },
    },
    {
      record: 'interrupt_in',
      title: 'INTERRUPT',
      expected: { uniqueLow: owner.lockOwnerLow, uniqueHigh: owner.lockOwnerHigh },
    },
    {
      record: 'ioctl_in',
      title: 'IOCTL',
      expected: { handle: BIG, flags: 1, cmd: 2, arg: 3, dataStart: 72, dataLength: 0, outSize: 4 },
    },
    { record: 'link_in', title: 'LINK', tail: 'n\0', expected: { node: BIG, name: 'n' } },
    { record: 'lseek_in', title: 'LSEEK', expected: { handle: BIG, offset: -3, whence: 4 } },
    { record: 'mkdir_in', title: 'MKDIR', tail: 'n\0', expected: { mode: 1, umask: 2, name: 'n' } },
    {
      record: 'mknod_in',
      title: 'MKNOD',
      tail: 'n\0',
      expected: { mode: 1, umask: 2, rdevMajor: 0x123, rdevMinor: 0x45678, name: 'n' },
    },
    { record: 'open_in', title: 'OPEN', expected: { flags: 1, openFlags: 2 } },
    {
      record: 'read_in',
      title: 'READ',
      expected: { handle: BIG, offset: 1, size: 2, readFlags: 3, ...owner, flags: 4 },
    },
    {
      record: 'release_in',
      title: 'RELEASE',
      expected: { handle: BIG, flags: 1, releaseFlags: 2, ...owner },
    },
    {
      record: 'rename_in',
      title: 'RENAME',
      tail: 'a\0b\0',
      expected: { oldName: 'a', parent: BIG, name: 'b', flags: 0 },
    },
    {
      record: 'rename2_in',
      title: 'RENAME2',
      tail: 'a\0b\0',
      expected: { oldName: 'a', parent: BIG, name: 'b', flags: 1 },
    },
    {
      record: 'setattr_in',
      title: 'SETATTR',
      expected: {
        valid: 1,
        handle: BIG,
        size: 2,
        ...owner,
        atimeSec: -3,
        mtimeSec: 4,
        ctimeSec: 5,
        atimeNsec: 6,
        mtimeNsec: 7,
        ctimeNsec: 8,
        mode: 9,
        uid: 10,
        gid: 11,
      },
    },
    {
      record: 'setxattr_in',
      title: 'SETXATTR, extended',
      tail: 'n\0',
      expected: { name: 'n', valueStart: 58, valueLength: 0, flags: 1, killSgid: true },
    },
    {
      record: 'write_in',
      title: 'WRITE',
      expected: { handle: BIG, offset: 1, dataStart: 80, dataLength: 0, writeFlags: 2, ...owner, flags: 3 },
    },
  ])('$record', ({ record, title, tail, expected }) => {
    const { opcode, decode } = requestTable.find((one) => one.title.startsWith(title))!;
    const body = Buffer.concat([hex(facts.get(`bytes ${record}`)!), Buffer.from(tail ?? '', 'latin1')]);
    expect({ ...(decode(exactView(wireRequest(opcode, body))) as object) }).toEqual(expected);
  });
});

describe.runIf(compiles)('replies laid out by the compiler', () => {
  function fill(attr: Attr): Attr {
    return Object.assign(attr, {
      ino: BIG,
      sizeBytes: 1,
      blocks: 2,
      atimeSec: -3,
      mtimeSec: 4,
      ctimeSec: 5,
      atimeNsec: 6,
      mtimeNsec: 7,
      ctimeNsec: 8,
      mode: 9,
      nlink: 10,
      uid: 11,
      gid: 12,
      rdevMajor: 0x123,
      rdevMinor: 0x45678,
      blksize: 13,
      ttlMs: 3005,
    });
  }

  function entry(): Entry {
    const one = Object.assign(new Entry(), { nodeId: BIG as NodeId, generation: 1, ttlMs: 2004 });
    fill(one.attr);
    return one;
  }

  const init = {
    ...negotiate(
      { major: 7, minor: 36, maxReadahead: 1, flags: 0, flags2: 0 },
      {
        passthrough: false,
        maxStackDepth: 1,
        writeback: false,
      },
    ),
    maxReadahead: 1,
    flags: 2,
    maxBackground: 3,
    congestionThreshold: 4,
    maxWrite: 5,
    timeGran: 6,
    maxPages: 7,
    flags2: 8,
  };
  const stat = { blocks: BIG, bfree: 1, bavail: 2, files: 3, ffree: 4, bsize: 5, nameMax: 6, frsize: 7 };

  const encoders: readonly (readonly [string, (reply: ReplyBuffer) => void])[] = [
    ['entry_out', (reply) => encodeEntry(reply, entry())],
    ['attr_out', (reply) => encodeAttr(reply, entry().attr)],
    ['open_out', (reply) => encodeOpen(reply, Object.assign(new Opened(), { handle: BIG }))],
    ['write_out', (reply) => misc.encodeWrite(reply, 1)],
    ['getxattr_out', (reply) => misc.encodeXattrSize(reply, 2)],
    ['lseek_out', (reply) => misc.encodeLseek(reply, BIG)],
    ['ioctl_out', (reply) => misc.encodeIoctl(reply, -5, new Uint8Array(0))],
    ['statfs_out', (reply) => misc.encodeStatFs(reply, Object.assign(new StatFs(), stat))],
    ['init_out', (reply) => encodeInit(reply, init)],
    [
      'notify_inval_inode_out',
      (reply) => {
        reply.length = encodeInvalInode(reply, BIG as NodeId, -1, 2);
      },
    ],
  ];

  it.each(encoders)('%s', (record, encode) => {
    const reply = new ReplyBuffer(512);
    reply.bytes.fill(0xee);
    encode(reply);
    expect(reply.bytes.toString('hex', 16, reply.length)).toBe(facts.get(`bytes ${record}`));
  });
});
