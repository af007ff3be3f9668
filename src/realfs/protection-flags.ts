/** The flags of real objects that chattr(1) sets: asked for through a descriptor, and what they mean for an open. */

import { EPERM } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import {
  O_APPEND,
  O_NONBLOCK,
  O_RDONLY,
  O_TRUNC,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  STATX_ATTR_APPEND,
  STATX_ATTR_IMMUTABLE,
} from '../linux/constants.js';
import { close } from '../linux/files/open.js';
import type { Statx } from '../linux/files/statx.js';
import { ioctlBuffer } from '../linux/ioctl.js';
import type { FlagsRequest } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import { openAt } from './real-object.js';

/** Regular files and directories: opening an object of another type could have effects. */
export function hasInodeFlags(mode: number): boolean {
  const type = mode & S_IFMT;
  return type === S_IFREG || type === S_IFDIR;
}

/** STATX_ATTR_IMMUTABLE and STATX_ATTR_APPEND, as the object has them. */
export function protectionIn(stat: Statx): number {
  return stat.attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND);
}

/** @throws EPERM where a file may not be opened for writing so. Linux: fs/namei.c:may_open(), inode_permission(). */
export function assertOpens(protection: number, flags: number, name: Name): void {
  const appends = (flags & O_APPEND) !== 0 && (flags & O_TRUNC) === 0;
  const isRefused =
    (protection & STATX_ATTR_IMMUTABLE) !== 0 || ((protection & STATX_ATTR_APPEND) !== 0 && !appends);
  if (isRefused) throw fsError(EPERM, 'open', name);
}

/** PRECONDITION: `hasInodeFlags`. */
export function requestFlags(dirfd: number, name: Name, request: FlagsRequest): void {
  const fd = check(openAt(dirfd, name, O_RDONLY | O_NONBLOCK), 'open', name);
  const result = ioctlBuffer(fd, request.command, request.data);
  close(fd);
  check(result, 'ioctl', name);
}
