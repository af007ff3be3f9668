/**
 * unlink and rmdir: what lies in upper goes, what lies below gets a whiteout, in one rename.
 * Linux: fs/overlayfs/dir.c:ovl_do_remove() v6.18.
 */

import { EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { AT_REMOVEDIR, O_PATH, RENAME_EXCHANGE, RENAME_NOREPLACE } from '../linux/constants.js';
import { renameat2, unlinkat } from '../linux/directory.js';
import type { Name } from '../vfs/name.js';
import { copyUpToIndex, ensureUpper, inUpper } from './copy-up.js';
import { dropIndexEntry, setNlinkDelta } from './index-directory.js';
import type { RealDirectory } from './layer.js';
import { isEmptyDirectory } from './listing.js';
import { lookupNode, lowerHas } from './lookup.js';
import type { UnionNode } from './node.js';
import { assertMayDelete } from './protection.js';
import type { UnionState } from './union-state.js';
import { linkWhiteout, temporaryWhiteout } from './whiteout.js';

export function unlink(state: UnionState, parent: UnionNode, name: Name): void {
  const node = existing(state, parent, name, 'unlink');
  if (node.isDirectory) throw fsError(EISDIR, 'unlink', name);
  assertMayDelete(state, parent, node, 'unlink');
  const upper = ensureUpper(state, parent);
  const alias = prepareRemoval(state, node, upper, name);
  const covered = lowerHas(state, parent, name);
  const upperFd = state.descriptor(upper);
  if (!covered) check(unlinkat(upperFd, name, 0), 'unlink', name);
  else if (!alias) check(linkWhiteout(state, upper, name), 'unlink', name);
  else replaceByWhiteout(state, upper, name, 0);
  parent.listing?.remove(name);
  parent.mayBePure = true;
  forgetName(state, node);
  state.release(node);
}

export function rmdir(state: UnionState, parent: UnionNode, name: Name): void {
  const node = existing(state, parent, name, 'rmdir');
  if (!node.isDirectory) throw fsError(ENOTDIR, 'rmdir', name);
  assertMayDelete(state, parent, node, 'rmdir');
  if (!isEmptyDirectory(state, node)) throw fsError(ENOTEMPTY, 'rmdir', name);
  const upper = ensureUpper(state, parent);
  const top = state.directories(node)[0]!;
  state.descriptor(top);
  if (top.parent !== undefined) state.cache.pin(top);
  const covered = lowerHas(state, parent, name);
  const upperFd = state.descriptor(upper);
  if (!inUpper(state, node)) check(linkWhiteout(state, upper, name), 'rmdir', name);
  else if (covered) replaceByWhiteout(state, upper, name, RENAME_EXCHANGE);
  else removeDirectory(state, upperFd, name);
  parent.listing?.remove(name);
  parent.mayBePure = true;
  node.removed = true;
  state.unindex(node);
  state.release(node);
}

function existing(state: UnionState, parent: UnionNode, name: Name, op: string): UnionNode {
  const node = lookupNode(state, parent, name);
  if (node === undefined) throw fsError(ENOENT, op, name);
  return node;
}

/** The name in upper becomes a whiteout; what it was goes by way of the work directory. */
function replaceByWhiteout(state: UnionState, upper: RealDirectory, name: Name, flags: number): void {
  const work = state.work!;
  const whiteout = temporaryWhiteout(state, upper);
  const result = renameat2(work.fd, whiteout, state.descriptor(upper), name, flags);
  if (result < 0 || flags === RENAME_EXCHANGE) work.remove(whiteout);
  check(result, 'whiteout', name);
}

/** A directory of upper that shows nothing, but may hold whiteouts: moved out first, so that it goes at once. */
function removeDirectory(state: UnionState, upperFd: number, name: Name): void {
  const result = unlinkat(upperFd, name, AT_REMOVEDIR);
  if (result !== -ENOTEMPTY) {
    check(result, 'rmdir', name);
    return;
  }
  const work = state.work!;
  const temporary = work.temporaryName();
  check(renameat2(upperFd, name, work.fd, temporary, RENAME_NOREPLACE), 'rmdir', name);
  work.remove(temporary);
}

/**
 * Before a name of a file goes: what is open stays reachable, and the other names keep the count.
 * @returns whether upper has the name.
 */
export function prepareRemoval(
  state: UnionState,
  node: UnionNode,
  upper: RealDirectory,
  name: Name,
): boolean {
  if (!inUpper(state, node)) {
    state.statNode(node, state.stat);
    if (state.stat.nlink > 1) copyUpToIndex(state, node);
  }
  if (node.indexName !== undefined) {
    const alias = state.statName(upper, name, state.other);
    if (!alias) setNlinkDelta(state, node, node.nlinkDelta - 1);
    return alias;
  }
  if (!inUpper(state, node)) return false;
  // A file of a lower needs no descriptor: it stays where it is.
  if (node.orphanFd < 0 && node.nlookup > 0) {
    if (node.openCount > 0) state.assertRoom('unlink');
    else state.cache.held.assertShortRoom('unlink');
    node.nextOrphanFd = state.hold(state.open(node, O_PATH));
  }
  return true;
}

/** After the name went: the node goes with its last name, or is reached another way. */
export function forgetName(state: UnionState, node: UnionNode): void {
  if (node.indexName !== undefined) {
    state.statNode(node, state.other);
    if (state.other.nlink + node.nlinkDelta > 0) return;
    const orphanFd = state.hold(state.open(node, O_PATH));
    dropIndexEntry(state, node);
    node.orphanFd = orphanFd;
    node.nlinkDelta = 0;
  } else if (node.nextOrphanFd >= 0) {
    node.orphanFd = node.nextOrphanFd;
    node.nextOrphanFd = -1;
    check(state.statDescriptor(node.orphanFd, state.other), 'unlink', node.name);
    if (state.other.nlink > 0) return;
  }
  node.removed = true;
  state.files.closeSpared(node);
  state.unindex(node);
}
