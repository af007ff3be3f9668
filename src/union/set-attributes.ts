/**
 * setattr: mode, owner, size and times of the object in upper, copied up before.
 *
 * The kernel has checked permissions (default_permissions) and cleared what the caller may not set.
 */

import { EISDIR, ENODATA, ENOTDIR, EOPNOTSUPP, EPERM, ESTALE } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import {
  O_WRONLY,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
  S_ISUID,
  UTIME_NOW,
  UTIME_OMIT,
} from '../linux/constants.js';
import { ftruncate, Times } from '../linux/inode.js';
import { close } from '../linux/open.js';
import { removexattrAt } from '../linux/xattr.js';
import type { AttrChange } from '../vfs/file-system.js';
import { copyUp, splitReaders } from './copy-up.js';
import type { UnionNode } from './node.js';
import { chmodAt, chownAt, openAt, utimesAt } from './real-object.js';
import type { UnionState } from './union-state.js';

const S_IXGRP = 0o010;

const times = new Times();

export function setAttributes(state: UnionState, node: UnionNode, change: AttrChange): void {
  if (change.sizeBytes !== undefined) {
    if (node.isDirectory) throw fsError(EISDIR, 'truncate', node.name);
    prepareWrite(state, node, change.sizeBytes);
    truncate(state, node, change.sizeBytes);
  } else {
    copyUp(state, node);
  }
  if (change.uid !== undefined || change.gid !== undefined) {
    const fd = state.locate(node);
    check(chownAt(fd, state.locatedName, change.uid ?? -1, change.gid ?? -1), 'chown', node.name);
  }
  if (change.mode !== undefined) {
    if ((node.mode & S_IFMT) === S_IFLNK) throw fsError(EOPNOTSUPP, 'chmod', node.name);
    const fd = state.locate(node);
    chmodAt(fd, state.locatedName, change.mode & 0o7777);
    node.mode = (node.mode & S_IFMT) | (change.mode & 0o7777);
  }
  if (change.killPriv) killPrivileges(state, node);
  if (change.atimeSec !== undefined || change.mtimeSec !== undefined) setTimes(state, node, change);
}

function setTimes(state: UnionState, node: UnionNode, change: AttrChange): void {
  const { atimeSec, mtimeSec } = change;
  times.atimeSec = typeof atimeSec === 'number' ? atimeSec : 0;
  times.atimeNsec = atimeSec === undefined ? UTIME_OMIT : atimeSec === 'now' ? UTIME_NOW : change.atimeNsec;
  times.mtimeSec = typeof mtimeSec === 'number' ? mtimeSec : 0;
  times.mtimeNsec = mtimeSec === undefined ? UTIME_OMIT : mtimeSec === 'now' ? UTIME_NOW : change.mtimeNsec;
  const fd = state.locate(node);
  utimesAt(fd, state.locatedName, times);
}

/**
 * Brings a file to where its data may be changed.
 *
 * While the kernel itself reads the lower file for open descriptors, the file in upper needs a node of its own: ESTALE
 * makes the kernel look the name up again and find it. Found on 6.18; a caller that came through /proc/self/fd cannot
 * look up again and sees ESTALE.
 * @param sizeBytes what of the data is still wanted.
 * @throws ESTALE, Wait
 */
export function prepareWrite(state: UnionState, node: UnionNode, sizeBytes: number): void {
  if (node.outdated) throw fsError(ESTALE, 'open', node.name);
  copyUp(state, node, sizeBytes);
  if (!node.backingOutdated) return;
  splitReaders(state, node);
  throw fsError(ESTALE, 'open', node.name);
}

/** PRECONDITION: `prepareWrite`. */
export function truncate(state: UnionState, node: UnionNode, sizeBytes: number): void {
  if ((node.mode & S_IFMT) !== S_IFREG)
    throw fsError(node.isDirectory ? EISDIR : ENOTDIR, 'truncate', node.name);
  if (node.writeFd >= 0) {
    check(ftruncate(node.writeFd, sizeBytes), 'truncate', node.name);
    return;
  }
  const at = state.locate(node);
  const fd = check(openAt(at, state.locatedName, O_WRONLY), 'truncate', node.name);
  const result = ftruncate(fd, sizeBytes);
  close(fd);
  check(result, 'truncate', node.name);
}

/** What a write by someone without CAP_FSETID takes away: setuid, setgid of a group that may execute, capabilities. */
export function killPrivileges(state: UnionState, node: UnionNode): void {
  state.statNode(node, state.other);
  let mode = state.other.mode & 0o7777 & ~S_ISUID;
  if ((mode & S_IXGRP) !== 0) mode &= ~S_ISGID;
  const fd = state.locate(node);
  const name = state.locatedName;
  if (mode !== (state.other.mode & 0o7777)) {
    chmodAt(fd, name, mode);
    node.mode = (node.mode & S_IFMT) | mode;
  }
  if (node.hasCapability === false) return;
  const result = removexattrAt(fd, name, 'security.capability');
  if (result !== -ENODATA && result !== -EOPNOTSUPP && result !== -EPERM)
    check(result, 'removexattr', node.name);
  node.hasCapability = false;
}
