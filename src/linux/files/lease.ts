/** Leases, as far as they tell who else has a file open: fcntl(2), F_SETLEASE. */

import { bind } from '../library.js';

const F_SETSIG = 10;
const F_SETLEASE = 1024;
const F_RDLCK = 0;
const F_UNLCK = 2;
/** Ignored by default: an open for writing in the moment of the lease must not end us by SIGIO. */
const SIGURG = 23;

const sysFcntl = bind<(fd: number, command: number, value: number) => number>('fcntl', 'int', [
  'int',
  'int',
  'long',
]);

/**
 * Whether somebody has the file open for writing, or mapped shared so: then there is no lease for reading
 * (fs/locks.c:check_conflicting_open() v6.18). True also where that cannot be told.
 * @param fd open for reading alone.
 */
export function isOpenForWriting(fd: number): boolean {
  if (sysFcntl(fd, F_SETSIG, SIGURG) < 0 || sysFcntl(fd, F_SETLEASE, F_RDLCK) < 0) return true;
  sysFcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}
