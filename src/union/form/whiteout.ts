/**
 * Whiteouts: what hides a name in the layers below.
 *
 * A whiteout is a character device 0:0, or an empty regular file with the `whiteout` attribute (Documentation/
 * filesystems/overlayfs.rst v6.18). Readers of a directory look for the second form only where it is marked with
 * opaque `x`; lookup always does, as fs/overlayfs/util.c:ovl_path_is_whiteout(). Overlayfs itself never writes it; plyfs
 * does, and heeds it in upper too, where the file system under upper refuses the device: on another plyfs or overlayfs.
 * With `compat=fuse-overlayfs` there is a third, `.wh.NAME` beside the name: fuse-overlayfs-form.ts.
 */

import { check } from '../../errno/fs-error.js';
import { S_IFMT, S_IFREG } from '../../linux/constants.js';
import type { Statx } from '../../linux/files/statx.js';
import { getxattrAt, setxattrAt } from '../../linux/files/xattr.js';
import type { Name } from '../../vfs/name.js';
import { isDeviceWhiteout, type PrivateXattrs } from './overlay-xattrs.js';

const nothing = new Uint8Array(0);
const XWHITEOUTS = Buffer.from('x');

/** Whether an object is a whiteout of the first or second form. @param stat of the object. */
export function isWhiteoutObject(dirfd: number, name: Name, stat: Statx, xattrs: PrivateXattrs): boolean {
  if (isDeviceWhiteout(stat)) return true;
  return isEmptyFile(stat) && getxattrAt(dirfd, name, xattrs.whiteout, nothing) >= 0;
}

/** What the second form may be. */
export function isEmptyFile(stat: Statx): boolean {
  return stat.sizeBytes === 0 && (stat.mode & S_IFMT) === S_IFREG;
}

/** Marks a directory as having whiteouts of the second form; an opaque one needs no mark and stays as it is. */
export function markXattrWhiteouts(dirfd: number, { opaque }: PrivateXattrs): void {
  if (getxattrAt(dirfd, '', opaque, nothing) >= 0) return;
  check(setxattrAt(dirfd, '', opaque, XWHITEOUTS, 0), 'setxattr', opaque);
}
