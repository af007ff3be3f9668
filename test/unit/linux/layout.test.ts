/**
 * Offsets, sizes, constants and syscall numbers against the C headers of this machine. Each record is checked by
 * writing a value where C says the field is and reading it through the getter.
 */

import { describe, expect, test } from 'vitest';
import * as constants from '../../../src/linux/constants.js';
import { forEachDirent } from '../../../src/linux/files/directory.js';
import { FILE_HANDLE_HEADER_BYTES, FILE_HANDLE_MAX_BYTES } from '../../../src/linux/files/handle.js';
import { StatFsResult } from '../../../src/linux/files/statfs.js';
import { Statx } from '../../../src/linux/files/statx.js';
import { PollSet } from '../../../src/linux/io/poll.js';
import * as library from '../../../src/linux/library.js';
import * as processCalls from '../../../src/linux/process/process.js';
import { evaluateInC, hasCompiler, notInHeaders } from './c-program.js';

type Width = 'u16' | 'u32' | 'u64' | 's64';

const statxFields: readonly [member: string, width: Width, getter: keyof Statx][] = [
  ['stx_mask', 'u32', 'mask'],
  ['stx_blksize', 'u32', 'blksize'],
  ['stx_attributes', 'u64', 'attributes'],
  ['stx_nlink', 'u32', 'nlink'],
  ['stx_uid', 'u32', 'uid'],
  ['stx_gid', 'u32', 'gid'],
  ['stx_mode', 'u16', 'mode'],
  ['stx_ino', 'u64', 'ino'],
  ['stx_size', 'u64', 'sizeBytes'],
  ['stx_blocks', 'u64', 'blocks'],
  ['stx_atime.tv_sec', 's64', 'atimeSec'],
  ['stx_atime.tv_nsec', 'u32', 'atimeNsec'],
  ['stx_btime.tv_sec', 's64', 'btimeSec'],
  ['stx_btime.tv_nsec', 'u32', 'btimeNsec'],
  ['stx_ctime.tv_sec', 's64', 'ctimeSec'],
  ['stx_ctime.tv_nsec', 'u32', 'ctimeNsec'],
  ['stx_mtime.tv_sec', 's64', 'mtimeSec'],
  ['stx_mtime.tv_nsec', 'u32', 'mtimeNsec'],
  ['stx_rdev_major', 'u32', 'rdevMajor'],
  ['stx_rdev_minor', 'u32', 'rdevMinor'],
  ['stx_dev_major', 'u32', 'devMajor'],
  ['stx_dev_minor', 'u32', 'devMinor'],
  ['stx_mnt_id', 'u64', 'mountId'],
];

const statfsFields: readonly [member: string, getter: keyof StatFsResult][] = [
  ['f_type', 'type'],
  ['f_bsize', 'bsize'],
  ['f_blocks', 'blocks'],
  ['f_bfree', 'bfree'],
  ['f_bavail', 'bavail'],
  ['f_files', 'files'],
  ['f_ffree', 'ffree'],
  ['f_namelen', 'namelen'],
  ['f_frsize', 'frsize'],
  ['f_flags', 'flags'],
];

/** Sizes and offsets that the sources write as numbers. */
const literals: readonly [expression: string, value: number][] = [
  ['sizeof(struct statx)', 256],
  ['sizeof(struct statfs)', 120],
  ['sizeof(struct pollfd)', 8],
  ['offsetof(struct pollfd, events)', 4],
  ['offsetof(struct pollfd, revents)', 6],
  ['offsetof(struct dirent64, d_ino)', 0],
  ['offsetof(struct dirent64, d_reclen)', 16],
  ['offsetof(struct dirent64, d_type)', 18],
  ['offsetof(struct dirent64, d_name)', 19],
  ['offsetof(struct file_handle, f_handle)', FILE_HANDLE_HEADER_BYTES],
  ['sizeof(struct file_handle) + MAX_HANDLE_SZ', FILE_HANDLE_MAX_BYTES],
  ['sizeof(struct timespec)', 16],
  ['offsetof(struct timespec, tv_nsec)', 8],
  ['sizeof(struct open_how)', 24],
  ['offsetof(struct open_how, mode)', 8],
  ['offsetof(struct open_how, resolve)', 16],
  ['sizeof(struct mount_attr)', 32],
  ['offsetof(struct mount_attr, attr_clr)', 8],
  ['offsetof(struct mount_attr, propagation)', 16],
  ['sizeof(struct iovec)', 16],
  ['sizeof(struct msghdr)', 56],
  ['offsetof(struct msghdr, msg_iov)', 16],
  ['offsetof(struct msghdr, msg_iovlen)', 24],
  ['offsetof(struct msghdr, msg_control)', 32],
  ['offsetof(struct msghdr, msg_controllen)', 40],
  ['sizeof(struct cmsghdr)', 16],
  ['offsetof(struct cmsghdr, cmsg_level)', 8],
  ['offsetof(struct cmsghdr, cmsg_type)', 12],
  ['CMSG_LEN(sizeof(int))', 20],
  ['sizeof(struct rlimit)', 16],
  ['sizeof(struct __user_cap_header_struct)', 8],
  ['sizeof(struct __user_cap_data_struct)', 12],
];

function put(bytes: Uint8Array, offset: number, width: Width, value: number): void {
  const view = new DataView(bytes.buffer);
  if (width === 'u16') view.setUint16(offset, value, true);
  else if (width === 'u32') view.setUint32(offset, value, true);
  else view.setBigInt64(offset, BigInt(value), true);
}

const sample: Readonly<Record<Width, number>> = {
  u16: 0xfedc,
  u32: 0xfedcba98,
  u64: 0x12_3456_789a_bcde,
  s64: -0x12_3456_789a_bcde,
};

const namesOf = (module: object): string[] => Object.keys(module).filter((name) => /^[A-Z]+_/.test(name));

const named = new Map<string, number>(
  [constants, processCalls, library].flatMap((module) =>
    namesOf(module)
      .map((name): [string, unknown] => [name, (module as Record<string, unknown>)[name]])
      .filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  ),
);

/** Without a compiler the layouts still are what the calls on real files, in the other tests, need. */
const fromC = hasCompiler()
  ? evaluateInC([
      ...statxFields.map(([member]) => `offsetof(struct statx, ${member})`),
      ...statfsFields.map(([member]) => `offsetof(struct statfs, ${member})`),
      ...literals.map(([expression]) => expression),
      ...named.keys(),
    ])
  : undefined;

describe.runIf(fromC !== undefined)('against the C compiler', () => {
  const inC = fromC ?? new Map<string, number>();

  test('Statx reads each field where struct statx has it', () => {
    for (const [member, width, getter] of statxFields) {
      const record = new Statx();
      put(record.bytes, inC.get(`offsetof(struct statx, ${member})`)!, width, sample[width]);
      expect([member, record[getter]]).toEqual([member, sample[width]]);
    }
  });

  test('StatFsResult reads each field where struct statfs has it', () => {
    for (const [member, getter] of statfsFields) {
      const record = new StatFsResult();
      put(record.bytes, inC.get(`offsetof(struct statfs, ${member})`)!, 'u64', sample.u64);
      expect([member, record[getter]]).toEqual([member, sample.u64]);
    }
  });

  test('sizes and offsets written as numbers are those of C', () => {
    for (const [expression, value] of literals)
      expect([expression, inC.get(expression)]).toEqual([expression, value]);
  });

  test('constants and syscall numbers have the values of the headers', () => {
    const known = [...named].filter(([name]) => inC.has(name) && !notInHeaders.has(name));
    expect(known.length).toBeGreaterThan(150);
    for (const [name, value] of known) expect([name, value]).toEqual([name, expectedInC(name, inC)]);
  });
});

/** glibc on 64 bits says O_LARGEFILE is 0; the kernel's value is the one that fcntl(F_GETFL) shows. */
function expectedInC(name: string, inC: ReadonlyMap<string, number>): number | undefined {
  if (name === 'O_LARGEFILE') return process.arch === 'arm64' ? 0o400000 : 0o100000;
  return inC.get(name);
}

test('Statx.dev is major times 2^20 plus minor, also where 32 bits would overflow', () => {
  const record = new Statx();
  put(record.bytes, 136, 'u32', 0xfff);
  put(record.bytes, 140, 'u32', 0xfffff);
  expect(record.dev).toBe(0xffffffff);
});

test('StatFsResult.frsize falls back to bsize', () => {
  const record = new StatFsResult();
  put(record.bytes, 8, 'u64', 512);
  expect(record.frsize).toBe(512);
});

test('PollSet lays out descriptor and POLLIN for each entry', () => {
  const view = new DataView(new PollSet([3, -1]).bytes.buffer);
  expect([view.getInt32(0, true), view.getInt16(4, true)]).toEqual([3, constants.POLLIN]);
  expect([view.getInt32(8, true), view.getInt16(12, true)]).toEqual([-1, constants.POLLIN]);
});

test('forEachDirent() walks records by their length and skips . and ..', () => {
  const buffer = Buffer.alloc(128, 0xee);
  let end = 0;
  for (const [name, ino] of [
    ['.', 1],
    ['..', 2],
    ['.h', 2 ** 40 + 3],
    ['n\xff', 4],
  ] as const) {
    const length = Math.ceil((20 + name.length) / 8) * 8;
    buffer.writeBigUInt64LE(BigInt(ino), end);
    buffer.writeUInt16LE(length, end + 16);
    buffer[end + 18] = constants.DT_REG;
    buffer.write(`${name}\0`, end + 19, 'latin1');
    end += length;
  }
  const seen: unknown[] = [];
  forEachDirent(buffer, end, (name, ino, type) => seen.push([name, ino, type]));
  expect(seen).toEqual([
    ['.h', 2 ** 40 + 3, 8],
    ['n\xff', 4, 8],
  ]);
});
