/**
 * unlink and rmdir: what lies in upper goes, what lies below gets a whiteout, in one rename.
 * Linux: fs/overlayfs/dir.c:ovl_do_remove() v6.18.
 */

import { EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { AT_REMOVEDIR, O_PATH, RENAME_EXCHANGE, RENAME_NOREPLACE } from '../../linux/constants.js';
import { renameat2, unlinkat } from '../../linux/files/directory.js';
import { Statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';
import { copyUpToIndex, ensureUpper, inUpper } from '../copy-up/copy-up.js';
import { Found } from '../nodes/found.js';
import { dropIndexEntry, setNlinkDelta, takeBackNlinkDelta } from '../nodes/indexed-files.js';
import { isEmptyDirectory } from '../nodes/listing/merged-listing.js';
import { lookupNode, lowerHas } from '../nodes/lookup.js';
import { directoriesOf, type UnionNode } from '../nodes/node.js';
import type { UnionState } from '../nodes/union-state.js';
import type { RealDirectory } from '../stack/layer.js';
import { statDescriptor } from '../stack/layer-stack.js';
import { linkWhiteout, temporaryWhiteout } from '../stack/put-whiteout.js';
import { assertMayDelete } from './may-change.js';

const looked = new Found();
const found = new Statx();

export function unlink(state: UnionState, parent: UnionNode, name: Name): void {
  const recent = state.recent.of(parent, name, state.changes - 1);
  const node = recent ?? existing(state, parent, name, 'unlink');
  const { depth, stat } = recent === undefined ? looked : state.recent.found;
  if (node.isDirectory) throw fsError(EISDIR, 'unlink', name);
  assertMayDelete(state, parent, node, 'unlink');
  const isBelow = directoriesOf(parent)[depth]!.layer !== state.stack.upper;
  const isLast = stat.nlink === 1 && node.indexName === undefined;
  const upper = ensureUpper(state, parent);
  const covered = isBelow || lowerHas(state, parent, name);
  const alias = isBelow && isLast ? false : prepareRemoval(state, node, upper, name);
  let done = false;
  try {
    if (!covered) check(unlinkat(state.stack.descriptor(upper), name, 0), 'unlink', name);
    else if (!alias) check(linkWhiteout(state.stack, upper, name), 'unlink', name);
    else replaceByWhiteout(state, upper, name, 0);
    done = true;
  } finally {
    if (!done) undoRemoval(state, node, { alias });
  }
  if (covered) state.noteChange('whiteout', { name, parent });
  parent.contents?.removed(name);
  parent.mayBePure = true;
  if (isLast) forgetNode(state, node);
  else forgetName(state, node);
  state.release(node);
}

export function rmdir(state: UnionState, parent: UnionNode, name: Name): void {
  const node = existing(state, parent, name, 'rmdir');
  if (!node.isDirectory) throw fsError(ENOTDIR, 'rmdir', name);
  assertMayDelete(state, parent, node, 'rmdir');
  if (!isEmptyDirectory(state, node)) throw fsError(ENOTEMPTY, 'rmdir', name);
  const upper = ensureUpper(state, parent);
  const top = directoriesOf(node)[0]!;
  state.stack.descriptor(top);
  if (top.parent !== undefined) state.stack.cache.pin(top);
  const covered = lowerHas(state, parent, name);
  const upperFd = state.stack.descriptor(upper);
  if (!inUpper(state, node)) check(linkWhiteout(state.stack, upper, name), 'rmdir', name);
  else if (covered) state.removeMoved(node, replaceByWhiteout(state, upper, name, RENAME_EXCHANGE));
  else removeDirectory(state, node, upperFd, name);
  if (covered || !inUpper(state, node)) state.noteChange('whiteout', { name, parent });
  parent.contents?.removed(name);
  parent.mayBePure = true;
  node.removed = true;
  state.nodes.keeper?.note(node);
  state.nodes.unindex(node);
  state.release(node);
}

function existing(state: UnionState, parent: UnionNode, name: Name, op: string): UnionNode {
  const node = lookupNode(state, parent, name, looked);
  if (node === undefined) throw fsError(ENOENT, op, name);
  return node;
}

/** The name in upper becomes a whiteout. @returns the name in the work directory that an exchange leaves. */
export function replaceByWhiteout(state: UnionState, upper: RealDirectory, name: Name, flags: number): Name {
  const work = state.stack.work!;
  const whiteout = temporaryWhiteout(state.stack, upper);
  const result = renameat2(work.fd, whiteout, state.stack.descriptor(upper), name, flags);
  if (result < 0) work.remove(whiteout);
  check(result, 'whiteout', name);
  return whiteout;
}

/** A directory of upper that shows nothing, but may hold whiteouts: moved out first, so that it goes at once. */
function removeDirectory(state: UnionState, node: UnionNode, upperFd: number, name: Name): void {
  const result = unlinkat(upperFd, name, AT_REMOVEDIR);
  if (result !== -ENOTEMPTY) {
    check(result, 'rmdir', name);
    return;
  }
  const work = state.stack.work!;
  const temporary = work.temporaryName();
  check(renameat2(upperFd, name, work.fd, temporary, RENAME_NOREPLACE), 'rmdir', name);
  state.removeMoved(node, temporary);
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
    state.objects.statNode(node, found);
    if (found.nlink > 1) copyUpToIndex(state, node);
  }
  if (node.indexName !== undefined) {
    const alias = state.stack.statName(upper, name, found);
    if (!alias) setNlinkDelta(state, node, node.nlinkDelta - 1);
    return alias;
  }
  if (!inUpper(state, node)) return false;
  // A file of a lower needs no descriptor: it stays where it is.
  if (node.orphanFd < 0 && node.nlookup > 0) {
    if (node.openCount > 0) state.assertRoom('unlink');
    else state.stack.cache.held.assertShortRoom('unlink');
    node.nextOrphanFd = state.hold(state.objects.open(node, O_PATH));
  }
  const fd = node.orphanFd < 0 ? node.nextOrphanFd : node.orphanFd;
  if (node.openCount > 0 && fd >= 0) state.nodes.keeper?.keepOrphan(node, fd);
  return true;
}

/** After a name that was prepared for it did not go. */
export function undoRemoval(
  state: UnionState,
  node: UnionNode,
  { alias }: { readonly alias: boolean },
): void {
  if (node.nextOrphanFd >= 0) {
    state.stack.cache.held.close(node.nextOrphanFd);
    state.nodes.keeper?.dropOrphan(node);
  }
  node.nextOrphanFd = -1;
  if (node.indexName !== undefined && !alias) takeBackNlinkDelta(state, node, node.nlinkDelta + 1);
}

/** After the name went: the node goes with its last name, or is reached another way. */
export function forgetName(state: UnionState, node: UnionNode): void {
  if (node.indexName !== undefined) {
    state.objects.statNode(node, found);
    if (found.nlink + node.nlinkDelta > 0) return;
    const orphanFd = state.hold(state.objects.open(node, O_PATH));
    if (node.openCount > 0) state.nodes.keeper?.keepOrphan(node, orphanFd);
    dropIndexEntry(state, node);
    node.orphanFd = orphanFd;
    node.nlinkDelta = 0;
  } else if (node.nextOrphanFd >= 0) {
    keepOrphan(node);
    check(statDescriptor(node.orphanFd, found), 'unlink', node.name);
    if (found.nlink > 0) {
      state.nodes.keeper?.keepOrphan(node, node.orphanFd);
      state.nodes.keeper?.note(node);
      return;
    }
  }
  forgetNode(state, node);
}

function keepOrphan(node: UnionNode): void {
  node.orphanFd = node.nextOrphanFd;
  node.nextOrphanFd = -1;
}

/** The same where it is known that it was the last name. */
function forgetNode(state: UnionState, node: UnionNode): void {
  if (node.nextOrphanFd >= 0) keepOrphan(node);
  node.removed = true;
  state.nodes.keeper?.note(node);
  state.files.closeSpared(node);
  state.nodes.unindex(node);
}
