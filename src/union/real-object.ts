/**
 * Operations on an object of a layer, named by a directory descriptor and a name, or by its own descriptor and ''.
 *
 * Opening the second kind goes through /proc/self/fd, which needs no name and follows nothing but the descriptor.
 */

import { check } from '../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_NOFOLLOW } from '../linux/constants.js';
import { fchmodat, fchownat, type Times, utimensat } from '../linux/inode.js';
import { openat } from '../linux/open.js';
import type { Name } from '../vfs/name.js';

export function descriptorPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** @returns a descriptor, or a negated errno. */
export function openAt(dirfd: number, name: Name, flags: number): number {
  return name === ''
    ? openat(AT_FDCWD, descriptorPath(dirfd), flags)
    : openat(dirfd, name, flags | O_NOFOLLOW);
}

/** Not for symlinks, whose mode cannot be changed. */
export function chmodAt(dirfd: number, name: Name, mode: number): void {
  check(fchmodat(dirfd, name, mode), 'chmod', name);
}

/** Ids of -1 stay. @returns 0 or a negated errno. */
export function chownAt(dirfd: number, name: Name, uid: number, gid: number): number {
  return fchownat(dirfd, name, uid, gid, name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW);
}

export function utimesAt(dirfd: number, name: Name, times: Times): void {
  const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  check(utimensat(dirfd, name, times, flags), 'utimens', name);
}
