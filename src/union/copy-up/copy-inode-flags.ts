/**
 * The flags that a copy-up keeps: +i and +a as `protattr`, and those that say how a file is written and read.
 * Linux: fs/overlayfs/copy_up.c:ovl_copy_fileattr() v6.18.
 */

import { EACCES, EINVAL, ENOTTY, EOPNOTSUPP, EPERM } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import {
  FS_NOATIME_FL,
  FS_SYNC_FL,
  FS_XFLAG_NOATIME,
  FS_XFLAG_SYNC,
  O_NONBLOCK,
  O_RDONLY,
} from '../../linux/constants.js';
import { getExtendedFlagsAt, getInodeFlags, setInodeFlags } from '../../linux/files/inode-flags.js';
import { close } from '../../linux/files/open.js';
import { hasInodeFlags } from '../../realfs/protection-flags.js';
import { openAt, Place } from '../../realfs/real-object.js';
import { writeProtection } from '../form/protattr.js';
import type { UnionNode } from '../nodes/node.js';
import { protectionOf } from '../nodes/protection.js';
import type { UnionState } from '../nodes/union-state.js';

const at = new Place();

/** Gives a copy the flags of its original: +i and +a as `protattr`, and those that say how to write and read it. */
export function copyInodeFlags(state: UnionState, node: UnionNode, target: Readonly<Place>): void {
  if (!hasInodeFlags(node.mode)) return;
  const protection = protectionOf(state, node);
  if (protection !== 0) writeProtection(state.stack.xattrs, target, protection);
  state.objects.locate(node, at);
  const kept = keptFlagsAt(at);
  if (kept === 0) return;
  const fd = check(openAt(target.dirfd, target.name, O_RDONLY | O_NONBLOCK), 'open', target.name);
  try {
    const flags = getInodeFlags(fd);
    if (flags >= 0) check(setInodeFlags(fd, flags | kept), 'ioctl', target.name);
    else if (!isWithoutFlags(flags)) check(flags, 'ioctl', target.name);
  } finally {
    close(fd);
  }
}

/** One call that opens nothing, where the kernel has it and the file system answers. */
function keptFlagsAt(place: Readonly<Place>): number {
  const extended = getExtendedFlagsAt(place.dirfd, place.name);
  if (extended < 0) return flagsAt(place) & (FS_SYNC_FL | FS_NOATIME_FL);
  const sync = (extended & FS_XFLAG_SYNC) === 0 ? 0 : FS_SYNC_FL;
  return (extended & FS_XFLAG_NOATIME) === 0 ? sync : sync | FS_NOATIME_FL;
}

/** 0 where the file system has no flags, or, without privileges, where the file cannot be read. */
function flagsAt({ dirfd, name }: Readonly<Place>): number {
  const fd = openAt(dirfd, name, O_RDONLY | O_NONBLOCK);
  if (fd === -EACCES || fd === -EPERM) return 0;
  const flags = getInodeFlags(check(fd, 'open', name));
  close(fd);
  return isWithoutFlags(flags) ? 0 : check(flags, 'ioctl', name);
}

/** ENOTTY and its like; EINVAL is ntfs-3g's. */
function isWithoutFlags(result: number): boolean {
  return result === -ENOTTY || result === -EINVAL || result === -EOPNOTSUPP;
}
