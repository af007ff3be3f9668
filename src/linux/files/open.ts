/**
 * openat(2), openat2(2), close(2), dup2(2) and dup through fcntl(2).
 *
 * INVARIANT: each descriptor made here is close-on-exec. Nothing is retried: EINTR comes back as -EINTR, which only
 * an open of a fifo, a lease or a network file system gives.
 */

import type { Name } from '../../vfs/name.js';
import { O_CLOEXEC, O_NONBLOCK } from '../constants.js';
import { bind, SYS_openat2, settle } from '../library.js';
import { firstName, putFirst } from '../scratch.js';

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const OPEN_HOW_BYTES = 24;

const sysOpenat = bind<(dirfd: number, path: Buffer, flags: number, mode: number) => number>(
  'openat',
  'int',
  ['int', 'void *', 'int', 'uint'],
);
const sysOpenat2 = bind<(nr: number, dirfd: number, path: Buffer, how: Uint8Array, bytes: number) => number>(
  'syscall',
  'long',
  ['long', 'int', 'void *', 'void *', 'ulong'],
);
const sysDup2 = bind<(from: number, to: number) => number>('dup2', 'int', ['int', 'int']);
const sysClose = bind<(fd: number) => number>('close', 'int', ['int']);
const sysFcntl = bind<(fd: number, command: number, value: number) => number>('fcntl', 'int', [
  'int',
  'int',
  'long',
]);

/** struct open_how: u64 flags, mode, resolve. Only the low words are written, the upper stay 0. */
const how = new Uint8Array(OPEN_HOW_BYTES);
const howWords = new Uint32Array(how.buffer);

/** openat(2) with O_CLOEXEC added; `mode` counts with O_CREAT and O_TMPFILE only, less the umask. */
export function openat(dirfd: number, path: Name, flags: number, mode = 0): number {
  const problem = putFirst(path);
  if (problem < 0) return problem;
  return settle(sysOpenat(dirfd, firstName, flags | O_CLOEXEC, mode));
}

/**
 * openat2(2) with O_CLOEXEC added.
 *
 * Stricter than openat: unknown flags, and a mode without O_CREAT or O_TMPFILE, give -EINVAL. RESOLVE_BENEATH and
 * RESOLVE_IN_ROOT may give -EAGAIN when a rename runs at the same time: call again.
 */
export function openat2(dirfd: number, path: Name, flags: number, mode: number, resolve: number): number {
  const problem = putFirst(path);
  if (problem < 0) return problem;
  howWords[0] = flags | O_CLOEXEC;
  howWords[2] = mode;
  howWords[4] = resolve;
  return settle(sysOpenat2(SYS_openat2, dirfd, firstName, how, OPEN_HOW_BYTES));
}

/** close(2); the descriptor is gone even when the result is an error. */
export function close(fd: number): number {
  return settle(sysClose(fd));
}

/** A second descriptor of the same open file, close-on-exec. */
export function dup(fd: number): number {
  return settle(sysFcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/** `to` is the same open file as `from` afterwards, and is kept over execve. */
export function dup2(from: number, to: number): number {
  return settle(sysDup2(from, to));
}

/** Calls wait again, also those of other processes that have the same open file: Node takes that from pipes and terminals it uses. */
export function makeBlocking(fd: number): number {
  const flags = settle(sysFcntl(fd, F_GETFL, 0));
  return flags < 0 ? flags : settle(sysFcntl(fd, F_SETFL, flags & ~O_NONBLOCK));
}

/** Lets programs that this process starts have the descriptor under its number. */
export function keepOnExec(fd: number): number {
  return settle(sysFcntl(fd, F_SETFD, 0));
}
