/**
 * Deletes a tree that may hold anything a container wrote: names of any bytes, directories without permissions, paths
 * longer than PATH_MAX, whiteouts.
 *
 * INVARIANT: nothing outside of the tree is touched. Every step is one name below one descriptor, no symlink is
 * followed, and a directory on another file system (something is mounted there) is refused.
 */

import { EACCES, EBUSY, EEXIST, ENOENT, ENOTEMPTY } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  S_IFDIR,
  SEEK_SET,
  STATX_BASIC_STATS,
} from '../linux/constants.js';
import { lseek } from '../linux/files/data.js';
import { readEntries, renameat2, unlinkat } from '../linux/files/directory.js';
import { fchmod, fchmodat } from '../linux/files/inode.js';
import { close, openat } from '../linux/files/open.js';
import { fstatx, Statx, statx } from '../linux/files/statx.js';
import { displayName, type Name, nameFromText } from '../vfs/name.js';
import { randomHex } from '../vfs/random-hex.js';

const DT_DIR = S_IFDIR >> 12;
const OWNER_RWX = 0o700;
/** Deeper directories are moved to the top of the tree: descriptors stay few, whatever the depth. */
const MAX_DEPTH = 64;

interface Removal {
  /** The directory whose entries are deleted; deep ones are moved here. */
  readonly topFd: number;
  readonly device: number;
  moved: number;
}

const stat = new Statx();

/**
 * Deletes `path` (text) with all below it; one that is not there is fine.
 * @throws FsError EBUSY when something is mounted below it, or the errno of what failed.
 */
export function deleteTree(path: string): void {
  const slash = path.lastIndexOf('/');
  const parent = openat(AT_FDCWD, nameFromText(path.slice(0, slash) || '/'), O_RDONLY | O_DIRECTORY);
  if (parent === -ENOENT) return;
  check(parent, 'open', path);
  try {
    const name = nameFromText(path.slice(slash + 1));
    if (removeLeaf(parent, name, path)) return;
    const topFd = openDirectory(parent, name);
    if (topFd < 0) return;
    try {
      empty({ topFd, device: deviceOf(topFd, path), moved: 0 }, path);
    } finally {
      close(topFd);
    }
    checkGone(unlinkat(parent, name, AT_REMOVEDIR), path);
  } finally {
    close(parent);
  }
}

/** Deletes what is in the directory `path` (text), and not itself. @throws as deleteTree(). */
export function emptyTree(path: string): void {
  const topFd = check(openat(AT_FDCWD, nameFromText(path), O_RDONLY | O_DIRECTORY), 'open', path);
  try {
    empty({ topFd, device: deviceOf(topFd, path), moved: 0 }, path);
  } finally {
    close(topFd);
  }
}

/** Directories moved to the top while it was read may have been missed by that reading. */
function empty(removal: Removal, path: string): void {
  let moved: number;
  do {
    moved = removal.moved;
    emptyDirectory(removal, removal.topFd, 0, path);
  } while (removal.moved !== moved);
}

function emptyDirectory(removal: Removal, fd: number, depth: number, path: string): void {
  for (const { name, isDirectory } of entriesOf(fd, path)) {
    if (!isDirectory && removeLeaf(fd, name, path)) continue;
    const result = unlink(fd, name, AT_REMOVEDIR);
    if (result >= 0 || result === -ENOENT) continue;
    if (result !== -ENOTEMPTY && result !== -EEXIST) {
      throw fsError(-result, 'rmdir', `${path}/${displayName(name)}`);
    }
    removeFull(removal, fd, name, depth, `${path}/${displayName(name)}`);
  }
}

function removeFull(removal: Removal, fd: number, name: Name, depth: number, path: string): void {
  if (depth === MAX_DEPTH) {
    const to = `.${randomHex(8)}-${removal.moved++}`;
    makeAccessible(fd, name);
    checkGone(renameat2(fd, name, removal.topFd, to, 0), path);
    return;
  }
  const child = openDirectory(fd, name);
  if (child < 0) return;
  try {
    if (deviceOf(child, path) !== removal.device) throw fsError(EBUSY, 'rmdir', path);
    emptyDirectory(removal, child, depth + 1, path);
  } finally {
    close(child);
  }
  checkGone(unlink(fd, name, AT_REMOVEDIR), path);
}

/** Another process may remove the same tree. */
function checkGone(result: number, path: string): void {
  if (result !== -ENOENT) check(result, 'remove', path);
}

/** @returns false when it is a directory. */
function removeLeaf(fd: number, name: Name, path: string): boolean {
  const found = statx(fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, stat);
  if (found === -ENOENT) return true;
  check(found, 'statx', path);
  if (stat.mode >> 12 === DT_DIR) return false;
  checkGone(unlink(fd, name, 0), `${path}/${displayName(name)}`);
  return true;
}

interface Entry {
  readonly name: Name;
  readonly isDirectory: boolean;
}

function entriesOf(fd: number, path: string): Entry[] {
  check(lseek(fd, 0, SEEK_SET), 'lseek', path);
  const entries: Entry[] = [];
  const result = readEntries(fd, (name, _ino, type) => {
    entries.push({ name, isDirectory: type === DT_DIR });
  });
  check(result, 'getdents', path);
  return entries;
}

/** An own directory without permissions gets them first; root needs none. @returns -ENOENT when it is gone. */
function openDirectory(fd: number, name: Name): number {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  let opened = openat(fd, name, flags);
  if (opened === -EACCES) {
    makeAccessible(fd, name);
    opened = openat(fd, name, flags);
  }
  return opened === -ENOENT ? opened : check(opened, 'open', displayName(name));
}

/** In a directory of our own that we may not write, after giving us the right. */
function unlink(fd: number, name: Name, flags: number): number {
  const result = unlinkat(fd, name, flags);
  if (result !== -EACCES) return result;
  fchmod(fd, OWNER_RWX);
  return unlinkat(fd, name, flags);
}

/** Whether it worked shows in what is tried next. */
function makeAccessible(fd: number, name: Name): void {
  fchmodat(fd, name, OWNER_RWX);
}

function deviceOf(fd: number, path: string): number {
  check(fstatx(fd, STATX_BASIC_STATS, stat), 'statx', path);
  return stat.dev;
}
