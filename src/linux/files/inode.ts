/**
 * The calls that change an inode's mode, owner, times and size; umask(2).
 *
 * INVARIANT: `fchmodat()` never follows a symlink in the last component, on any kernel. The others follow one
 * unless their flags have AT_SYMLINK_NOFOLLOW; name '' with AT_EMPTY_PATH means what the descriptor names.
 */

import { EBADF } from '../../errno/errno.js';
import type { Name } from '../../vfs/name.js';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_NOFOLLOW, O_PATH } from '../constants.js';
import { bind, SYS_fchmodat2, settle } from '../library.js';
import { firstName, putFirst } from '../scratch.js';
import { close, openat } from './open.js';

const TWO_32 = 2 ** 32;

const sysFchmodat2 = bind<(nr: number, dirfd: number, name: Buffer, mode: number, flags: number) => number>(
  'syscall',
  'long',
  ['long', 'int', 'void *', 'uint', 'uint'],
);
const sysFchmodat = bind<(dirfd: number, name: Buffer, mode: number, flags: number) => number>(
  'fchmodat',
  'int',
  ['int', 'void *', 'uint', 'int'],
);
const sysFchmod = bind<(fd: number, mode: number) => number>('fchmod', 'int', ['int', 'uint']);
const sysFchownat = bind<(dirfd: number, name: Buffer, uid: number, gid: number, flags: number) => number>(
  'fchownat',
  'int',
  ['int', 'void *', 'uint', 'uint', 'int'],
);
const sysUtimensat = bind<(dirfd: number, name: Buffer, times: Uint8Array, flags: number) => number>(
  'utimensat',
  'int',
  ['int', 'void *', 'void *', 'int'],
);
const sysFtruncate = bind<(fd: number, size: number) => number>('ftruncate', 'int', ['int', 'int64']);
const sysUmask = bind<(mask: number) => number>('umask', 'uint', ['uint']);

/** fchmodat2(2) is of Linux 6.6; asked once for each thread. */
let fchmodat2Works: boolean | undefined;

/** Asks the kernel; a seccomp filter that refuses the call counts as its absence. */
function probeFchmodat2(): boolean {
  putFirst('x');
  return settle(sysFchmodat2(SYS_fchmodat2, -1, firstName, 0, 0)) === -EBADF;
}

/** chmod without following a symlink (-EOPNOTSUPP for one); name '' means what the descriptor names, O_PATH too. */
export function fchmodat(dirfd: number, name: Name, mode: number): number {
  fchmodat2Works ??= probeFchmodat2();
  if (!fchmodat2Works) return fchmodatThroughProc(dirfd, name, mode);
  const problem = putFirst(name);
  if (problem < 0) return problem;
  const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  return settle(sysFchmodat2(SYS_fchmodat2, dirfd, firstName, mode, flags));
}

/** For kernels before 6.6: chmod of the magic link changes exactly the inode that the descriptor pins. */
export function fchmodatThroughProc(dirfd: number, name: Name, mode: number): number {
  const fd = name === '' ? dirfd : openat(dirfd, name, O_PATH | O_NOFOLLOW);
  if (fd < 0) return fd;
  putFirst(`/proc/self/fd/${fd}`);
  const result = settle(sysFchmodat(AT_FDCWD, firstName, mode, 0));
  if (name !== '') close(fd);
  return result;
}

/** fchmod(2); -EBADF for an O_PATH descriptor: use `fchmodat(fd, '', mode)`. */
export function fchmod(fd: number, mode: number): number {
  return settle(sysFchmod(fd, mode));
}

/** fchownat(2); -1 leaves the owner or the group. Clears set-id bits and capabilities as the kernel does. */
export function fchownat(dirfd: number, name: Name, uid: number, gid: number, flags: number): number {
  const problem = putFirst(name);
  if (problem < 0) return problem;
  return settle(sysFchownat(dirfd, firstName, uid, gid, flags));
}

/** The two times of utimensat(2); seconds signed, nsec 0..999,999,999 or UTIME_NOW or UTIME_OMIT. */
export class Times {
  atimeSec = 0;
  atimeNsec = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
}

/** struct timespec[2]: s64 seconds, s64 nanoseconds each. */
const timespecs = new Uint8Array(32);
const timespecWords = new Uint32Array(timespecs.buffer);

function putTimespec(word: number, sec: number, nsec: number): void {
  timespecWords[word] = sec;
  timespecWords[word + 1] = Math.floor(sec / TWO_32);
  timespecWords[word + 2] = nsec;
  timespecWords[word + 3] = 0;
}

/** utimensat(2); with name '' and AT_EMPTY_PATH it takes an O_PATH descriptor (Linux 5.8). */
export function utimensat(dirfd: number, name: Name, times: Times, flags: number): number {
  const problem = putFirst(name);
  if (problem < 0) return problem;
  putTimespec(0, times.atimeSec, times.atimeNsec);
  putTimespec(4, times.mtimeSec, times.mtimeNsec);
  return settle(sysUtimensat(dirfd, firstName, timespecs, flags));
}

export function ftruncate(fd: number, size: number): number {
  return settle(sysFtruncate(fd, size));
}

/** Sets the umask and gives the one before; it is the process's, or the thread's own after `unshareFs()`. */
export function umask(mask: number): number {
  return sysUmask(mask);
}
