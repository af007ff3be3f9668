/**
 * pidfd_open(2) (Linux 5.3) and pidfd_getfd(2) (5.6): how a new daemon takes over the descriptors of the old.
 */

import { bind, SYS_pidfd_getfd, SYS_pidfd_open, settle } from '../library.js';

const sysPidfdOpen = bind<(nr: number, pid: number, flags: number) => number>('syscall', 'long', [
  'long',
  'int',
  'uint',
]);
const sysPidfdGetfd = bind<(nr: number, pidfd: number, fd: number, flags: number) => number>(
  'syscall',
  'long',
  ['long', 'int', 'int', 'uint'],
);

/** A descriptor of a process, close-on-exec; readable for poll once the process has ended. */
export function pidfdOpen(pid: number): number {
  return settle(sysPidfdOpen(SYS_pidfd_open, pid, 0));
}

/** A copy of another process's descriptor, close-on-exec. Needs ptrace access to it (-EPERM). */
export function pidfdGetfd(pidfd: number, fd: number): number {
  return settle(sysPidfdGetfd(SYS_pidfd_getfd, pidfd, fd, 0));
}
