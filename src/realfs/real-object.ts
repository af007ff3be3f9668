/**
 * Operations on an object of a layer, named by a directory descriptor and a name, or by its own descriptor and ''.
 *
 * Opening the second kind goes through /proc/self/fd, which needs no name and follows nothing but the descriptor.
 */

import { ENODATA, EOPNOTSUPP, EPERM } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_NOFOLLOW,
  S_ISGID,
  S_ISUID,
  STATX_BTIME,
  UTIME_NOW,
  UTIME_OMIT,
  XATTR_NAME_CAPS,
} from '../linux/constants.js';
import { fchmodat, fchownat, Times, utimensat } from '../linux/files/inode.js';
import { openat } from '../linux/files/open.js';
import { fstatfs, StatFsResult } from '../linux/files/statfs.js';
import type { Statx } from '../linux/files/statx.js';
import { getxattrAt, removexattrAt } from '../linux/files/xattr.js';
import type { Attr, StatFs } from '../vfs/attr.js';
import type { Caller } from '../vfs/caller.js';
import type { AttrChange } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import { isInGroup } from './caller-status.js';

/** Where an object is reached: a directory descriptor and a name, or its own descriptor and ''. Filled by whoever finds it. */
export class Place {
  dirfd = -1;
  name: Name = '';
}

export function descriptorPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** @returns a descriptor, or a negated errno. */
export function openAt(dirfd: number, name: Name, flags: number): number {
  return name === ''
    ? openat(AT_FDCWD, descriptorPath(dirfd), flags)
    : openat(dirfd, name, flags | O_NOFOLLOW);
}

/** Not for symlinks, whose mode cannot be changed. */
export function chmodAt(dirfd: number, name: Name, mode: number): void {
  check(fchmodat(dirfd, name, mode), 'chmod', name);
}

/** Ids of -1 stay. @returns 0 or a negated errno. */
export function chownAt(dirfd: number, name: Name, uid: number, gid: number): number {
  return fchownat(dirfd, name, uid, gid, name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW);
}

export function utimesAt(dirfd: number, name: Name, times: Times): void {
  const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  check(utimensat(dirfd, name, times, flags), 'utimens', name);
}

const S_IXGRP = 0o010;
const times = new Times();

/** The times that a setattr asks for; those it does not name stay. */
export function setTimesAt(dirfd: number, name: Name, change: AttrChange): void {
  const { atimeSec, mtimeSec } = change;
  if (atimeSec === undefined && mtimeSec === undefined) return;
  times.atimeSec = typeof atimeSec === 'number' ? atimeSec : 0;
  times.atimeNsec = atimeSec === undefined ? UTIME_OMIT : atimeSec === 'now' ? UTIME_NOW : change.atimeNsec;
  times.mtimeSec = typeof mtimeSec === 'number' ? mtimeSec : 0;
  times.mtimeNsec = mtimeSec === undefined ? UTIME_OMIT : mtimeSec === 'now' ? UTIME_NOW : change.mtimeNsec;
  utimesAt(dirfd, name, times);
}

interface WrittenObject {
  readonly mode: number;
  readonly gid: number;
  readonly writer: Caller | undefined;
}

/**
 * Takes what a write by someone without CAP_FSETID takes away: setuid, capabilities, and setgid where the group may
 * execute or is not the writer's.
 * @param owner what the object has now.
 * @returns st_mode as it is now.
 */
export function killPrivilegesAt(dirfd: number, name: Name, owner: WrittenObject): number {
  const { mode } = owner;
  const kept = withoutPrivileges(owner);
  if (kept !== mode) chmodAt(dirfd, name, kept & 0o7777);
  const result = removexattrAt(dirfd, name, XATTR_NAME_CAPS);
  if (result !== -ENODATA && result !== -EOPNOTSUPP && result !== -EPERM) check(result, 'removexattr', name);
  return kept;
}

/** The mode of an object after such a write. */
export function withoutPrivileges({ mode, gid, writer }: WrittenObject): number {
  let kept = mode & ~S_ISUID;
  if ((mode & S_ISGID) !== 0) {
    // A root without CAP_FSETID is taken to have it.
    const isForeign = writer !== undefined && writer.uid !== 0 && !isInGroup(writer, gid);
    if ((mode & S_IXGRP) !== 0 || isForeign) kept &= ~S_ISGID;
  }
  return kept;
}

const capability = new Uint8Array(64);

export function hasCapabilityAt(dirfd: number, name: Name): boolean {
  return getxattrAt(dirfd, name, XATTR_NAME_CAPS, capability) > 0;
}

/** Everything that both have, but for what the union decides: ino, nlink, owner, time to live. */
export function fillAttr(stat: Statx, out: Attr): void {
  out.mode = stat.mode;
  out.rdevMajor = stat.rdevMajor;
  out.rdevMinor = stat.rdevMinor;
  out.sizeBytes = stat.sizeBytes;
  out.blocks = stat.blocks;
  out.blksize = stat.blksize;
  out.hasBtime = (stat.mask & STATX_BTIME) !== 0;
  out.btimeSec = stat.btimeSec;
  out.btimeNsec = stat.btimeNsec;
  fillTimes(stat, out);
}

export function fillTimes(stat: Statx, out: Attr): void {
  out.atimeSec = stat.atimeSec;
  out.atimeNsec = stat.atimeNsec;
  out.mtimeSec = stat.mtimeSec;
  out.mtimeNsec = stat.mtimeNsec;
  out.ctimeSec = stat.ctimeSec;
  out.ctimeNsec = stat.ctimeNsec;
}

const statfs = new StatFsResult();

/** statfs of the file system behind a descriptor. */
export function fillStatFs(fd: number, out: StatFs): void {
  check(fstatfs(fd, statfs), 'statfs');
  out.bsize = statfs.bsize;
  out.frsize = statfs.frsize;
  out.blocks = statfs.blocks;
  out.bfree = statfs.bfree;
  out.bavail = statfs.bavail;
  out.files = statfs.files;
  out.ffree = statfs.ffree;
  out.nameMax = statfs.namelen;
}
