/**
 * setattr: mode, owner, size and times of the object in upper, copied up before.
 *
 * The kernel has checked permissions (default_permissions) and cleared what the caller may not set.
 */

import { EINVAL, EISDIR, EOPNOTSUPP, ESTALE } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { chmodAt, chownAt, setTimesAt } from '../files/real-object.js';
import { O_WRONLY, S_IFLNK, S_IFMT, S_IFREG } from '../linux/constants.js';
import { ftruncate } from '../linux/inode.js';
import { close } from '../linux/open.js';
import type { AttrChange } from '../vfs/file-system.js';
import { copyUp, copyUpData, splitReaders } from './copy-up.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

export function setAttributes(state: UnionState, node: UnionNode, change: AttrChange): void {
  if (change.sizeBytes !== undefined) {
    if (node.isDirectory) throw fsError(EISDIR, 'truncate', node.name);
    prepareWrite(state, node, change.sizeBytes);
    truncate(state, node, change.sizeBytes);
  } else {
    copyUp(state, node);
  }
  const { uid, gid, mode } = change;
  const changesOwner = uid !== undefined || gid !== undefined || change.bareChown;
  if ((changesOwner || mode !== undefined) && state.changeOverridden(node, change)) {
    if (mode !== undefined) node.mode = (node.mode & S_IFMT) | (mode & 0o7777);
  } else setOwnerAndMode(state, node, change);
  if (change.killPriv) state.killPrivileges(node);
  const fd = state.locate(node);
  setTimesAt(fd, state.locatedName, change);
}

function setOwnerAndMode(state: UnionState, node: UnionNode, change: AttrChange): void {
  if (change.uid !== undefined || change.gid !== undefined || change.bareChown) {
    const fd = state.locate(node);
    check(chownAt(fd, state.locatedName, change.uid ?? -1, change.gid ?? -1), 'chown', node.name);
  }
  if (change.mode !== undefined) {
    if ((node.mode & S_IFMT) === S_IFLNK) throw fsError(EOPNOTSUPP, 'chmod', node.name);
    const fd = state.locate(node);
    chmodAt(fd, state.locatedName, change.mode & 0o7777);
    node.mode = (node.mode & S_IFMT) | (change.mode & 0o7777);
  }
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
  if (node.heir !== undefined) throw fsError(ESTALE, 'open', node.name);
  copyUpData(state, node, sizeBytes);
  if (!node.backingOutdated) return;
  splitReaders(state, node);
  throw fsError(ESTALE, 'open', node.name);
}

/** PRECONDITION: `prepareWrite`. */
export function truncate(state: UnionState, node: UnionNode, sizeBytes: number): void {
  if ((node.mode & S_IFMT) !== S_IFREG) throw fsError(EINVAL, 'truncate', node.name);
  if (node.writeFd >= 0) {
    check(ftruncate(node.writeFd, sizeBytes), 'truncate', node.name);
    return;
  }
  const fd = state.open(node, O_WRONLY);
  const result = ftruncate(fd, sizeBytes);
  close(fd);
  check(result, 'truncate', node.name);
}
