/**
 * The calls that change and read directories: mkdirat, mknodat, unlinkat, renameat2, linkat, symlinkat, readlinkat
 * and getdents64.
 *
 * No call follows a symlink in the last component (linkat does with AT_SYMLINK_FOLLOW). Modes lose the umask of the
 * thread; a daemon sets it to 0 once.
 */

import type { Name } from '../../vfs/name.js';
import { bind, SYS_mknodat, SYS_renameat2, settle } from '../library.js';
import { firstName, nameAt, putBoth, putFirst, secondName } from '../scratch.js';

const sysMkdirat = bind<(dirfd: number, name: Buffer, mode: number) => number>('mkdirat', 'int', [
  'int',
  'void *',
  'uint',
]);
const sysMknodat = bind<(nr: number, dirfd: number, name: Buffer, mode: number, device: number) => number>(
  'syscall',
  'long',
  ['long', 'int', 'void *', 'uint', 'uint'],
);
const sysUnlinkat = bind<(dirfd: number, name: Buffer, flags: number) => number>('unlinkat', 'int', [
  'int',
  'void *',
  'int',
]);
const sysRenameat2 = bind<
  (nr: number, fromDir: number, from: Buffer, toDir: number, to: Buffer, flags: number) => number
>('syscall', 'long', ['long', 'int', 'void *', 'int', 'void *', 'uint']);
const sysLinkat = bind<(fromDir: number, from: Buffer, toDir: number, to: Buffer, flags: number) => number>(
  'linkat',
  'int',
  ['int', 'void *', 'int', 'void *', 'int'],
);
const sysSymlinkat = bind<(content: Buffer, dirfd: number, name: Buffer) => number>('symlinkat', 'int', [
  'void *',
  'int',
  'void *',
]);
const sysReadlinkat = bind<(dirfd: number, name: Buffer, into: Buffer, length: number) => number>(
  'readlinkat',
  'long',
  ['int', 'void *', 'void *', 'ulong'],
);
const sysGetdents64 = bind<(fd: number, into: Buffer, length: number) => number>('getdents64', 'long', [
  'int',
  'void *',
  'ulong',
]);

export function mkdirat(dirfd: number, name: Name, mode: number): number {
  const problem = putFirst(name);
  if (problem < 0) return problem;
  return settle(sysMkdirat(dirfd, firstName, mode));
}

/** The device number as the kernel takes it: include/linux/kdev_t.h:new_encode_dev(). */
function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** mknodat(2); major and minor count for S_IFCHR and S_IFBLK. A character device 0:0 needs no privilege. */
export function mknodat(dirfd: number, name: Name, mode: number, major: number, minor: number): number {
  const problem = putFirst(name);
  if (problem < 0) return problem;
  return settle(sysMknodat(SYS_mknodat, dirfd, firstName, mode, encodeDevice(major, minor)));
}

/** unlinkat(2); AT_REMOVEDIR for a directory. */
export function unlinkat(dirfd: number, name: Name, flags: number): number {
  const problem = putFirst(name);
  if (problem < 0) return problem;
  return settle(sysUnlinkat(dirfd, firstName, flags));
}

/** renameat2(2) with RENAME_* flags; -EINVAL from a file system that lacks one of them. */
export function renameat2(fromDir: number, from: Name, toDir: number, to: Name, flags: number): number {
  const problem = putBoth(from, to);
  if (problem < 0) return problem;
  return settle(sysRenameat2(SYS_renameat2, fromDir, firstName, toDir, secondName, flags));
}

/** linkat(2); `from` may be '' with AT_EMPTY_PATH (CAP_DAC_READ_SEARCH), as for an O_TMPFILE descriptor. */
export function linkat(fromDir: number, from: Name, toDir: number, to: Name, flags: number): number {
  const problem = putBoth(from, to);
  if (problem < 0) return problem;
  return settle(sysLinkat(fromDir, firstName, toDir, secondName, flags));
}

export function symlinkat(content: Name, dirfd: number, name: Name): number {
  const problem = putBoth(content, name);
  if (problem < 0) return problem;
  return settle(sysSymlinkat(firstName, dirfd, secondName));
}

/** The content of a symlink, or a negated errno; '' reads the symlink that an O_PATH descriptor names. */
export function readlinkat(dirfd: number, name: Name): Name | number {
  const problem = putFirst(name);
  if (problem < 0) return problem;
  const length = settle(sysReadlinkat(dirfd, firstName, secondName, secondName.length));
  return length < 0 ? length : nameAt(secondName, 0, length);
}

/** getdents64(2): bytes filled, 0 at the end; -EINVAL when the buffer cannot hold the next entry (280 bytes can). */
export function getdents64(fd: number, buffer: Buffer): number {
  return settle(sysGetdents64(fd, buffer, buffer.byteLength));
}

// struct linux_dirent64: u64 d_ino, s64 d_off, u16 d_reclen, u8 d_type, char d_name[].
const D_RECLEN = 16;
const D_TYPE = 18;
const D_NAME = 19;

/**
 * Visits the entries in the first `length` bytes of a buffer that `getdents64()` filled, without `.` and `..`.
 *
 * `type` is DT_*; DT_UNKNOWN where the file system does not say. A directory's ino is that of the mount point's
 * own file system, also where something is mounted over it.
 */
export function forEachDirent(
  buffer: Buffer,
  length: number,
  visit: (name: Name, ino: number, type: number) => void,
): void {
  let at = 0;
  while (at < length) {
    const start = at + D_NAME;
    let end = start;
    while (buffer[end] !== 0) end += 1;
    if (!isDotOrDotDot(buffer, start, end)) {
      visit(nameAt(buffer, start, end), inoAt(buffer, at), buffer[at + D_TYPE]!);
    }
    at += buffer[at + D_RECLEN]! | (buffer[at + D_RECLEN + 1]! << 8);
  }
}

const DOT = 0x2e;

function isDotOrDotDot(buffer: Buffer, start: number, end: number): boolean {
  if (buffer[start] !== DOT) return false;
  return end === start + 1 || (end === start + 2 && buffer[start + 1] === DOT);
}

function inoAt(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * 2 ** 32;
}

const ENTRIES_BYTES = 64 * 1024;

/**
 * Visits all entries of an open directory, from where it was read to, without `.` and `..`.
 * @returns 0 at its end, or a negated errno.
 */
export function readEntries(fd: number, visit: (name: Name, ino: number, type: number) => void): number {
  const steps = readEntriesInSteps(fd, Buffer.allocUnsafe(ENTRIES_BYTES), visit);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** As `readEntries()`, with a pause after each buffer full. */
export function* readEntriesInSteps(
  fd: number,
  buffer: Buffer,
  visit: (name: Name, ino: number, type: number) => void,
): Generator<undefined, number> {
  for (;;) {
    const length = getdents64(fd, buffer);
    if (length <= 0) return length;
    forEachDirent(buffer, length, visit);
    yield;
  }
}
