/** Takes rights from a mount by its descriptor: MOUNT_ATTR_RDONLY, NOSUID, NODEV, NOEXEC. */

import { ENOSYS } from '../../../errno/errno.js';
import { check } from '../../../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_RECURSIVE, MS_BIND, MS_REMOUNT } from '../../../linux/constants.js';
import { fstatfs, StatFsResult } from '../../../linux/files/statfs.js';
import { mount, mountSetattr } from '../../../linux/mounts/mount.js';

/** Their values are those of MS_* and ST_* too. */
const SHARED_FLAGS = 0xf;

/**
 * Takes them from the mount and all that is mounted below it; before Linux 5.12 from the mount alone, which must be
 * attached.
 * @throws FsError
 */
export function restrict(fd: number, attributes: number, path: string): void {
  const result = mountSetattr(fd, '', AT_EMPTY_PATH | AT_RECURSIVE, attributes, 0);
  if (result !== -ENOSYS) {
    check(result, 'restrict', path);
    return;
  }
  const now = new StatFsResult();
  check(fstatfs(fd, now), 'statfs', path);
  const flags = MS_BIND | MS_REMOUNT | attributes | (now.flags & SHARED_FLAGS);
  check(mount('', `/proc/self/fd/${fd}`, '', flags, ''), 'remount', path);
}
