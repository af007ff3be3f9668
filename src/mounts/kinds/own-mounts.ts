/**
 * Mounts of plyfs below a source, and clones of the source without them.
 *
 * A clone holds what it shows for as long as it lives: the daemon of another mount would not end at its umount, and two
 * daemons that show each other's mounts would wait for each other.
 */

import { EPERM } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  MNT_DETACH,
  MS_PRIVATE,
  MS_REC,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  RESOLVE_NO_SYMLINKS,
  STATX_BASIC_STATS,
  UMOUNT_NOFOLLOW,
} from '../../linux/constants.js';
import { close, openat, openat2 } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { cloneTreePrivate, mount, umount2 } from '../../linux/mounts/mount.js';
import { type MountEntry, readMountinfo, topMountAt } from '../../linux/mounts/mountinfo.js';
import { chroot, fchdir, setns } from '../../linux/process/namespace.js';
import { unshareMounts } from '../../linux/process/process.js';
import type { Name } from '../../vfs/name.js';
import { FS_TYPE } from './fs-type.js';

/** Where plyfs has mounted something below a directory, not on it. */
export function ownMountsBelow(directory: Name, entries: readonly MountEntry[]): Name[] {
  const start = directory === '/' ? '/' : `${directory}/`;
  return entries
    .filter((entry) => entry.type === FS_TYPE && entry.mountpoint.startsWith(start))
    .filter((entry) => topMountAt(entries, entry.mountpoint) === entry)
    .map(({ mountpoint }) => mountpoint);
}

interface OpenedDirectory {
  /** O_PATH. */
  readonly fd: number;
  /** The same, absolute and free of symlinks. */
  readonly path: Name;
}

/**
 * `cloneTreePrivate()` of a directory, without mounts of plyfs below it where they can be left out.
 * PRECONDITION: privileges.
 * @returns a descriptor or a negated errno. @throws FsError as whereUnmounted().
 */
export function cloneWithoutOwn(source: OpenedDirectory, access: 'as the original' | 'read-only'): number {
  const away = ownMountsBelow(source.path, readMountinfo());
  const clone = (fd: number): number => cloneTreePrivate(fd, access);
  const made = away.length === 0 ? -1 : whereUnmounted(source, { away, spread: MS_PRIVATE }, clone);
  return made < 0 ? clone(source.fd) : made;
}

interface Elsewhere {
  /** Mount points, free of symlinks. */
  readonly away: readonly Name[];
  /** MS_PRIVATE, or MS_SLAVE for clones that follow what the host mounts and unmounts later. */
  readonly spread: number;
}

/**
 * Clones a tree where some of its mounts are not: nothing can be unmounted in a detached tree, so it is made in a mount
 * namespace for the purpose, which this thread enters and leaves again.
 * @param clone gets a descriptor of the source as it is there.
 * @returns what `clone` does, or a negated errno. @throws FsError when this thread cannot come back.
 */
export function whereUnmounted(
  source: OpenedDirectory,
  elsewhere: Elsewhere,
  clone: (fd: number) => number,
): number {
  const here = openat(AT_FDCWD, '/proc/thread-self/ns/mnt', O_RDONLY);
  const root = openat(AT_FDCWD, '/', O_PATH | O_DIRECTORY);
  const cwd = openat(AT_FDCWD, '.', O_PATH | O_DIRECTORY);
  const isUnshared = here >= 0 && root >= 0 && cwd >= 0 && unshareMounts() >= 0;
  try {
    return isUnshared ? cloneThere(source, elsewhere, clone) : -EPERM;
  } finally {
    if (isUnshared) {
      check(setns(here), 'setns');
      check(fchdir(root), 'fchdir', '/');
      check(chroot('.'), 'chroot', '/');
      check(fchdir(cwd), 'fchdir', '.');
    }
    for (const fd of [here, root, cwd]) if (fd >= 0) close(fd);
  }
}

function cloneThere(
  { fd, path }: OpenedDirectory,
  { away, spread }: Elsewhere,
  clone: (fd: number) => number,
): number {
  // Or the host would lose its mounts.
  const isolated = mount('', '/', '', MS_REC | spread, '');
  if (isolated < 0) return isolated;
  for (const mountpoint of away) umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW);
  const there = openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
  if (there < 0) return there;
  const made = isSame(fd, there) ? clone(there) : -EPERM;
  close(there);
  return made;
}

function isSame(one: number, other: number): boolean {
  const [left, right] = [new Statx(), new Statx()];
  const isRead =
    statx(one, '', AT_EMPTY_PATH, STATX_BASIC_STATS, left) === 0 &&
    statx(other, '', AT_EMPTY_PATH, STATX_BASIC_STATS, right) === 0;
  return isRead && left.dev === right.dev && left.ino === right.ino;
}
