/**
 * What fuse-overlayfs writes where it cannot make overlayfs's form, for `-o compat=fuse-overlayfs`.
 *
 * `.wh.NAME`, of whatever type, hides NAME in its own layer and below; `.wh..wh..opq` in a directory, or the attribute
 * `user.fuseoverlayfs.opaque` (or opaque in either name space of overlayfs), makes it opaque. Names that begin with
 * `.wh.` are then not to be seen nor made (EINVAL). Tried with fuse-overlayfs 1.10, and read in its main.c:
 * create_whiteout(), is_directory_opaque(), do_lookup_file().
 *
 * plyfs writes its own form: see whiteout.ts:replaceDotWhiteout().
 */

import { EINVAL, ENOENT } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, STATX_TYPE } from '../../linux/constants.js';
import { Statx, statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';
import type { PrivateXattrs } from './overlay-xattrs.js';

const PREFIX = '.wh.';
const OPAQUE_FILE = '.wh..wh..opq';
const NAME_MAX = 255;

const scratch = new Statx();

/** Whether the name stands for something of fuse-overlayfs's own. */
export function isReservedName(xattrs: PrivateXattrs, name: Name): boolean {
  return xattrs.readsFuseOverlayfs && name.startsWith(PREFIX);
}

/** @throws EINVAL for a name that would be a whiteout. */
export function assertNameable(xattrs: PrivateXattrs, name: Name): void {
  if (isReservedName(xattrs, name)) throw fsError(EINVAL, 'create', name);
}

export function dotWhiteout(name: Name): Name {
  return PREFIX + name;
}

/** Whether a directory of a layer has `.wh.NAME`. */
export function isDotWhited(dirfd: number, name: Name): boolean {
  return PREFIX.length + name.length <= NAME_MAX && has(dirfd, PREFIX + name);
}

/** The name that an entry of a listing hides; undefined for an entry that hides none. */
export function hiddenName(entry: Name): Name | undefined {
  return entry.startsWith(PREFIX) && entry !== OPAQUE_FILE ? entry.slice(PREFIX.length) : undefined;
}

/** Whether a directory of a layer has `.wh..wh..opq`. */
export function hasOpaqueFile(dirfd: number): boolean {
  return has(dirfd, OPAQUE_FILE);
}

function has(dirfd: number, name: Name): boolean {
  const result = statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, scratch);
  if (result === -ENOENT) return false;
  check(result, 'lookup', name);
  return true;
}
