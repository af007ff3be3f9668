/**
 * Opens upper and its work directory, with privilege through a private clone of their mount, as overlayfs does: the mount
 * that the user made stays free to be unmounted, remounted and moved.
 *
 * Reads of passthrough go to the real file, whose mount decides over its access time: `noatime` or `strictatime` of the
 * union have to hold there. Renames between two clones of one mount are EXDEV, so upper and work share one, made of
 * the deepest directory that holds both.
 */

import { check } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_STRICTATIME,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { close, openat, openat2 } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { clonePrivate, mountSetattr } from '../../linux/mounts/mount.js';
import type { Name } from '../../vfs/name.js';

/** `noatime`, `nodiratime`, `strictatime`; none leaves it to the mount of upper. */
export type AccessTimes = readonly string[];

interface UpperDescriptors {
  /** O_PATH. */
  upperFd: number;
  workFd: number;
}

/** @param times undefined: without privilege, so no clone. @throws FsError when one of them cannot be opened. */
export function openUpper(upper: Name, work: Name, times: AccessTimes | undefined): UpperDescriptors {
  const plain = {
    upperFd: check(openat(AT_FDCWD, upper, O_PATH | O_DIRECTORY), 'open', upper),
    workFd: check(openat(AT_FDCWD, work, O_RDONLY | O_DIRECTORY), 'open', work),
  };
  if (times === undefined) return plain;
  const cloned = openCloned(upper, work, times);
  if (cloned === undefined) return plain;
  const isSame = sameObject(plain.upperFd, cloned.upperFd) && sameObject(plain.workFd, cloned.workFd);
  const [used, unused] = isSame ? [cloned, plain] : [plain, cloned];
  close(unused.upperFd);
  close(unused.workFd);
  return used;
}

/** Undefined where no clone can be made or something is mounted on the way. */
function openCloned(upper: Name, work: Name, times: AccessTimes): UpperDescriptors | undefined {
  const root = commonDirectory(upper, work);
  const rootFd = check(openat(AT_FDCWD, root, O_PATH | O_DIRECTORY), 'open', root);
  const clone = clonePrivate(rootFd, { readOnly: false });
  close(rootFd);
  if (clone < 0) return undefined;
  const set =
    (times.includes('noatime') ? MOUNT_ATTR_NOATIME : 0) |
    (times.includes('strictatime') ? MOUNT_ATTR_STRICTATIME : 0);
  const nodiratime = times.includes('nodiratime') ? MOUNT_ATTR_NODIRATIME : 0;
  const cleared = set === 0 ? 0 : MOUNT_ATTR__ATIME;
  const changed = times.length === 0 ? 0 : mountSetattr(clone, '', AT_EMPTY_PATH, set | nodiratime, cleared);
  const upperFd = changed < 0 ? changed : openBelow(clone, upper.slice(root.length), O_PATH);
  const workFd = changed < 0 ? changed : openBelow(clone, work.slice(root.length), O_RDONLY);
  // The mount lives as long as something of it is open.
  close(clone);
  if (upperFd >= 0 && workFd >= 0) return { upperFd, workFd };
  if (upperFd >= 0) close(upperFd);
  if (workFd >= 0) close(workFd);
  return undefined;
}

function openBelow(dirfd: number, path: Name, access: number): number {
  const resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return openat2(dirfd, path.replace(/^\/+/, '') || '.', access | O_DIRECTORY, 0, resolve);
}

/** The deepest directory above both of two absolute paths, or one of them. */
function commonDirectory(one: Name, other: Name): Name {
  const names = one.split('/');
  const others = other.split('/');
  const differs = names.findIndex((name, index) => name !== others[index]);
  return names.slice(0, differs < 0 ? names.length : differs).join('/') || '/';
}

function sameObject(one: number, other: number): boolean {
  const [left, right] = [new Statx(), new Statx()];
  const isRead =
    statx(one, '', AT_EMPTY_PATH, STATX_BASIC_STATS, left) === 0 &&
    statx(other, '', AT_EMPTY_PATH, STATX_BASIC_STATS, right) === 0;
  return isRead && left.dev === right.dev && left.ino === right.ino;
}
