/**
 * A write that takes nothing away: what a map has changed was written long before, and on a local file system loses no
 * set-id bits or capabilities by that.
 */

import { check } from '../errno/fs-error.js';
import { AT_EMPTY_PATH, S_ISGID, S_ISUID, STATX_MODE, XATTR_NAME_CAPS } from '../linux/constants.js';
import { fchmod } from '../linux/files/inode.js';
import { Statx, statx } from '../linux/files/statx.js';
import { fgetxattr, fsetxattr } from '../linux/files/xattr.js';

/** linux/capability.h: struct vfs_ns_cap_data has 24 bytes, older forms fewer. */
const room = Buffer.allocUnsafeSlow(64);
const found = new Statx();

/**
 * Writes to a file by its descriptor, and gives it back what the write took.
 * @returns what the write returned.
 * @throws FsError when what was taken cannot be given back.
 */
export function writeKeepingPrivileges(fd: number, write: () => number): number {
  const length = fgetxattr(fd, XATTR_NAME_CAPS, room);
  const mode = modeOf(fd);
  const written = write();
  if (length > 0)
    check(fsetxattr(fd, XATTR_NAME_CAPS, room.subarray(0, length), 0), 'setxattr', XATTR_NAME_CAPS);
  // A daemon without CAP_FSETID loses these.
  if ((mode & (S_ISUID | S_ISGID)) !== 0 && modeOf(fd) !== mode) check(fchmod(fd, mode & 0o7777), 'fchmod');
  return written;
}

function modeOf(fd: number): number {
  check(statx(fd, '', AT_EMPTY_PATH, STATX_MODE, found), 'statx');
  return found.mode;
}
