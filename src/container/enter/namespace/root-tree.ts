/**
 * The container's root directory by descriptor: targets are resolved inside of it and mounts go onto what was opened, so
 * that a path which the image or another container changes meanwhile leads nowhere else.
 */

import { EAGAIN, EEXIST, ENOENT, errnoText } from '../../../errno/errno.js';
import { check } from '../../../errno/fs-error.js';
import { UserError } from '../../../errno/user-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  OPEN_TREE_CLONE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
  S_IFMT,
  STATX_TYPE,
} from '../../../linux/constants.js';
import { mkdirat, readlinkat } from '../../../linux/files/directory.js';
import { close, openat, openat2 } from '../../../linux/files/open.js';
import { fstatfs, StatFsResult } from '../../../linux/files/statfs.js';
import { fstatx, Statx } from '../../../linux/files/statx.js';
import { moveMount, openTree, umount2 } from '../../../linux/mounts/mount.js';
import { fchdir } from '../../../linux/process/namespace.js';
import { displayName, type Name } from '../../../vfs/name.js';

const ATTEMPTS = 100;
const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;

interface FoundPlace {
  /** Free of symlinks. */
  readonly place: Name;
  readonly isDirectory: boolean;
}

export class RootTree {
  readonly rootFd: number;
  readonly #descriptorsFd: number;

  /** @param descriptorsFd /proc/self/fd of a procfs that is the host's, which says where a descriptor leads. */
  constructor(rootFd: number, descriptorsFd: number) {
    this.rootFd = rootFd;
    this.#descriptorsFd = descriptorsFd;
  }

  /** A descriptor, or a negated errno. Symlinks are followed within the root. */
  open(path: Name, flags: number, resolve = 0): number {
    let fd = -EAGAIN;
    // Renames at the same time make the kernel ask to try again.
    for (let attempt = 0; attempt < ATTEMPTS && fd === -EAGAIN; attempt++) {
      const how = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve;
      fd = openat2(this.rootFd, path, flags, 0, how);
    }
    return fd;
  }

  /** What lies at a path as a descriptor without symlinks on the way, or a negated errno. */
  openPlain(path: Name, flags = 0): number {
    return this.open(path, O_PATH | O_NOFOLLOW | flags, RESOLVE_NO_SYMLINKS);
  }

  /** Where a path leads; undefined when nothing is there. @throws FsError */
  find(path: Name): FoundPlace | undefined {
    const fd = this.open(path, O_PATH);
    if (fd === -ENOENT) return undefined;
    check(fd, 'open', displayName(path));
    try {
      const place = textOf(readlinkat(this.#descriptorsFd, String(fd)), 'readlink', path);
      return { place, isDirectory: typeOf(fd) === S_IFDIR };
    } finally {
      close(fd);
    }
  }

  /** Attaches a detached mount, whose descriptor stays open. @throws FsError */
  attach(mountFd: number, place: Name): void {
    const target = check(this.openPlain(place), 'open', displayName(place));
    try {
      attachTo(mountFd, target, place);
    } finally {
      close(target);
    }
  }

  /** What the tree shows at a place as a mount of its own, detached. @throws FsError */
  graft(place: Name): number {
    const fd = check(this.openPlain(place), 'open', displayName(place));
    try {
      return check(openTree(fd, '', OPEN_TREE_CLONE | AT_EMPTY_PATH), 'clone', displayName(place));
    } finally {
      close(fd);
    }
  }

  /** Makes what is missing on the way to a place, and there an empty directory or file. @throws FsError */
  makePoint(place: Name, { isDirectory }: { readonly isDirectory: boolean }): void {
    const names = place.split('/').slice(1);
    const last = names.pop() ?? '';
    let parent = check(openat(this.rootFd, '.', O_PATH | O_DIRECTORY), 'open', '/');
    for (const name of names) {
      makeDirectory(parent, name);
      const next = openat2(parent, name, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
      close(parent);
      parent = check(next, 'open', displayName(place));
    }
    if (isDirectory) makeDirectory(parent, last);
    else makeFile(parent, last);
    close(parent);
  }
}

/** Unmounts what lies at a descriptor, not at a path that the container may change. @throws FsError */
export function detachAt(fd: number, descriptorsFd: number, place: Name): void {
  const here = check(openat(AT_FDCWD, '.', O_PATH | O_DIRECTORY), 'open', '.');
  check(fchdir(descriptorsFd), 'chdir', '/proc/self/fd');
  const result = umount2(String(fd), MNT_DETACH);
  check(fchdir(here), 'chdir', '.');
  close(here);
  check(result, 'umount', displayName(place));
}

/** The root directory of this process. @throws FsError */
export function openRootTree(descriptorsFd: number): RootTree {
  return new RootTree(check(openat(AT_FDCWD, '/', O_PATH | O_DIRECTORY), 'open', '/'), descriptorsFd);
}

/** To be called while /proc is the host's. @throws FsError */
export function openDescriptors(): number {
  return check(openat(AT_FDCWD, '/proc/self/fd', O_PATH | O_DIRECTORY), 'open', '/proc/self/fd');
}

/** @throws FsError */
export function attachTo(mountFd: number, targetFd: number, place: Name): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  check(moveMount(mountFd, '', targetFd, '', flags), 'mount', displayName(place));
}

/** A clone with all that is mounted below. @throws FsError */
export function cloneTree(fd: number, place: Name): number {
  const flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE;
  return check(openTree(fd, '', flags), 'clone', displayName(place));
}

/** S_IF* of what a descriptor names. @throws FsError */
export function typeOf(fd: number): number {
  const stat = new Statx();
  check(fstatx(fd, STATX_TYPE, stat), 'stat');
  return stat.mode & S_IFMT;
}

/** The magic number of the file system that holds it. @throws FsError */
export function fileSystemOf(fd: number): number {
  const out = new StatFsResult();
  check(fstatfs(fd, out), 'statfs');
  return out.type;
}

/** @throws UserError: the place cannot be mounted on. */
export function cannotMount(
  spec: string,
  place: Name,
  { errno, hint }: { readonly errno: number; readonly hint?: string | undefined },
): UserError {
  return new UserError(`cannot mount '${spec}' at '${displayName(place)}': ${errnoText(errno)}`, { hint });
}

function makeDirectory(parent: number, name: Name): void {
  const made = mkdirat(parent, name, DIRECTORY_MODE);
  if (made !== -EEXIST) check(made, 'mkdir', displayName(name));
}

function makeFile(parent: number, name: Name): void {
  const fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE);
  if (fd !== -EEXIST) close(check(fd, 'create', displayName(name)));
}

function textOf(result: Name | number, op: string, path: Name): Name {
  if (typeof result === 'string') return result;
  check(result, op, displayName(path));
  throw new Error(`${op} gave ${result}`);
}
