/**
 * Puts the tree of a draft together (the draft's mounts, the host's /dev, /proc, /run, /sys) and makes it the root of the thread that
 * calls, which has a mount namespace of its own.
 *
 * INVARIANT: whatever comes from the host is cloned before the root changes; afterwards only paths of the new root are used.
 */

import { restrict } from '../../container/enter/namespace/restrict.js';
import { EACCES, ENOENT, ENOTCONN, errnoText } from '../../errno/errno.js';
import { check, isErrno } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_REC,
  MS_SLAVE,
  O_DIRECTORY,
  O_PATH,
  OPEN_TREE_CLONE,
} from '../../linux/constants.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { close, openat } from '../../linux/files/open.js';
import { mount, moveMount, openTree, privateTmpfs, umount2 } from '../../linux/mounts/mount.js';
import { fchdir, pivotRoot } from '../../linux/process/namespace.js';
import { unshareMounts } from '../../linux/process/process.js';
import { displayName, type Name } from '../../vfs/name.js';
import { coverCache } from './cover-cache.js';
import type { DraftEnterRequest, EnterMount } from './draft-enter-request.js';

/** From now on what this thread mounts shows to nobody else; what the host unmounts goes here too. */
export function leaveHostMounts(): void {
  check(unshareMounts(), 'unshare');
  check(mount('', '/', '', MS_REC | MS_SLAVE, ''), 'make slave', '/');
}

/** PRECONDITION: `leaveHostMounts()`. @throws FsError, UserError */
export function enterTree(request: DraftEnterRequest): void {
  makeTree(request);
  for (const path of request.caches) coverCache(path, request.isUserNamespace ? 'user' : 'trusted');
  enterDirectory(request.workingDirectory);
}

function makeTree(request: DraftEnterRequest): void {
  const fds: number[] = [];
  try {
    putTogether(request, (fd) => {
      fds.push(fd);
      return fd;
    });
  } finally {
    // Whoever has one of them keeps what it is of.
    for (const fd of fds) if (fd >= 0) close(fd);
  }
}

/** @param held is told of each descriptor, and gives it back. */
function putTogether({ mounts, emptied, assembly }: DraftEnterRequest, held: (fd: number) => number): void {
  const whole = mounts.find(({ path }) => path === '/') ?? {
    path: '/',
    source: '/',
    access: 'read-only' as const,
  };
  const rootFd = held(cloneOf(whole));
  const clones = mounts
    .filter(({ path }) => path !== '/')
    .map((one) => ({
      path: one.path,
      fd: held(one.access === 'read-only' ? tryToClone(one) : cloneOf(one)),
    }))
    .filter(({ fd }) => fd >= 0);
  const attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  const empty = emptied.map(({ path, mode }) => ({
    path,
    fd: held(check(privateTmpfs({ mode }, attributes), 'mount', displayName(path))),
  }));
  check(moveMount(rootFd, '', AT_FDCWD, assembly, MOVE_MOUNT_F_EMPTY_PATH), 'attach', displayName(assembly));
  enterDirectory(assembly);
  check(pivotRoot('.', '.'), 'pivot_root', displayName(assembly));
  check(umount2('.', MNT_DETACH), 'umount', 'the old root');
  process.chdir('/');
  const all = [...clones, ...empty].sort((a, b) => a.path.split('/').length - b.path.split('/').length);
  const made = new Set(emptied.map(({ path }) => path));
  for (const { path, fd } of all)
    attach(fd, path, { isInEmpty: [...made].some((top) => path.startsWith(`${top}/`)) });
}

/** @returns -1 for a mount that is gone by now, or that this user does not get into: he could not write there either. */
function tryToClone(one: EnterMount): number {
  try {
    return cloneOf(one);
  } catch (error) {
    if ([EACCES, ENOENT, ENOTCONN].some((errno) => isErrno(error, errno))) return -1;
    throw error;
  }
}

function cloneOf({ source, access, path, fd: given }: EnterMount): number {
  if (given !== undefined) return given;
  const recursive = access === 'area' ? 0 : AT_RECURSIVE;
  const fd = check(openTree(AT_FDCWD, source, OPEN_TREE_CLONE | recursive), 'clone', displayName(source));
  if (access === 'read-only') restrict(fd, MOUNT_ATTR_RDONLY, displayName(path));
  return fd;
}

/** @param isInEmpty the place lies in a tmpfs of ours: its mount point is made. */
function attach(fd: number, path: Name, { isInEmpty }: { readonly isInEmpty: boolean }): void {
  if (isInEmpty) makeDirectories(Buffer.from(path, 'latin1'));
  const result = moveMount(fd, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
  // The draft has taken the name away, or put a file there.
  if (result === -ENOENT) return;
  check(result, 'attach', displayName(path));
}

function enterDirectory(path: Name): void {
  const fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  const result = fd < 0 ? fd : fchdir(fd);
  if (fd >= 0) close(fd);
  if (result < 0) throw new UserError(`cannot enter '${displayName(path)}': ${errnoText(-result)}`);
}
