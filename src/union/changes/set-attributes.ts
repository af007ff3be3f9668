/**
 * setattr: mode, owner, size and times of the object in upper, copied up before.
 *
 * The kernel has checked permissions (default_permissions) and cleared what the caller may not set.
 */

import { EINVAL, EISDIR, EOPNOTSUPP, ESTALE } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { O_WRONLY, S_IFLNK, S_IFMT, S_IFREG } from '../../linux/constants.js';
import { close } from '../../linux/files/open.js';
import { chmodAt, chownAt, Place, setTimesAt } from '../../realfs/real-object.js';
import { truncateFile } from '../../realfs/truncate-file.js';
import type { AttrChange } from '../../vfs/file-system.js';
import { copyUp, copyUpData, splitReaders } from '../copy-up/copy-up.js';
import type { UnionNode } from '../nodes/node.js';
import type { UnionState } from '../nodes/union-state.js';

const at = new Place();

export function setNodeAttributes(state: UnionState, node: UnionNode, change: AttrChange): void {
  if (change.sizeBytes !== undefined) {
    if (node.isDirectory) throw fsError(EISDIR, 'truncate', node.name);
    prepareWrite(state, node, change.sizeBytes);
    truncate(state, node, change.sizeBytes);
  } else {
    copyUp(state, node);
  }
  const { mode } = change;
  const uid = state.presentation.storedUid(change.uid);
  const gid = state.presentation.storedGid(change.gid);
  const changesOwner = uid !== undefined || gid !== undefined || change.bareChown;
  if ((changesOwner || mode !== undefined) && state.owners.changeOverridden(node, { uid, gid, mode })) {
    if (mode !== undefined) changeMode(state, node, mode);
  } else setOwnerAndMode(state, node, { uid, gid, mode, bareChown: change.bareChown });
  if (change.killPriv) state.owners.killPrivileges(node, state.files.session);
  state.objects.locate(node, at);
  setTimesAt(at.dirfd, at.name, change);
}

function setOwnerAndMode(
  state: UnionState,
  node: UnionNode,
  change: Pick<AttrChange, 'uid' | 'gid' | 'mode' | 'bareChown'>,
): void {
  if (change.uid !== undefined || change.gid !== undefined || change.bareChown) {
    state.objects.locate(node, at);
    check(chownAt(at.dirfd, at.name, change.uid ?? -1, change.gid ?? -1), 'chown', node.name);
  }
  if (change.mode !== undefined) {
    if ((node.mode & S_IFMT) === S_IFLNK) throw fsError(EOPNOTSUPP, 'chmod', node.name);
    state.objects.locate(node, at);
    chmodAt(at.dirfd, at.name, change.mode & 0o7777);
    changeMode(state, node, change.mode);
  }
}

/** The node's own, which tells whether a write has to take setuid away. */
function changeMode(state: UnionState, node: UnionNode, mode: number): void {
  node.mode = (node.mode & S_IFMT) | (mode & 0o7777);
  state.nodes.keeper?.note(node);
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
  if (node.successor !== undefined) throw fsError(ESTALE, 'open', node.name);
  copyUpData(state, node, sizeBytes);
  if (node.openState?.mode !== 'outdated') return;
  splitReaders(state, node);
  throw fsError(ESTALE, 'open', node.name);
}

/** PRECONDITION: `prepareWrite`. @throws Wait */
export function truncate(state: UnionState, node: UnionNode, sizeBytes: number): void {
  if ((node.mode & S_IFMT) !== S_IFREG) throw fsError(EINVAL, 'truncate', node.name);
  const { session } = state.files;
  const writeFd = node.openState?.writeFd ?? -1;
  if (writeFd >= 0) {
    check(truncateFile(session, writeFd, sizeBytes), 'truncate', node.name);
    return;
  }
  const fd = state.objects.open(node, O_WRONLY);
  try {
    check(truncateFile(session, fd, sizeBytes), 'truncate', node.name);
  } finally {
    close(fd);
  }
}
