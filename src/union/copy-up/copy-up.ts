/**
 * Copy-up: an object of a lower gets its copy in upper before its first change.
 *
 * Built whole where nobody sees it, then put in its place: a crash leaves the lower object visible or the complete
 * copy. A change of metadata copies no data (metacopy): the data follows, in place, before the first write, on disk
 * before the copy stops pointing to the lower. Linux: fs/overlayfs/copy_up.c:ovl_copy_up_one() v6.18.
 *
 * PRECONDITION: the union is writable; callers asserted it.
 * INVARIANT: nothing that shows happens before `Wait` is thrown: a half-made copy has no name, or is a file whose data
 * still counts as the lower's. Nothing fails between the name of a copy and the node that stands for it: the next copy-up
 * would find its name taken.
 */

import { ENOENT } from '../../errno/errno.js';
import { check, FsError, fsError } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, STATX_INO } from '../../linux/constants.js';
import { linkat, mkdirat } from '../../linux/files/directory.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { chmodAt, utimesAt } from '../../realfs/real-object.js';
import type { Name } from '../../vfs/name.js';
import { recordBase } from '../form/base.js';
import { writeNlinkDelta } from '../form/index-entry.js';
import { Temporary } from '../form/temporary.js';
import { setImpure } from '../nodes/impure.js';
import { linkUp, takeBackNlinkDelta } from '../nodes/indexed-files.js';
import { keepCtime } from '../nodes/kept-ctime.js';
import { attachNode } from '../nodes/lookup.js';
import { directoriesOf, type UnionNode } from '../nodes/node.js';
import { timesOfStat } from '../nodes/pending-copies.js';
import { canRedirect } from '../nodes/redirects.js';
import type { UnionState } from '../nodes/union-state.js';
import { indexNameOf } from '../stack/index-directory.js';
import { RealDirectory } from '../stack/layer.js';
import { statDescriptor } from '../stack/layer-stack.js';
import { fillInPlace, markMetacopy } from './copy-up-data.js';
import {
  build,
  type Copy,
  isOpened,
  OWNER_WRITES,
  recordOrigin,
  setCopyAttributes,
} from './copy-up-object.js';

/** Looked at within one function each. */
const before = new Statx();
const after = new Statx();

/** Whether the node's topmost object lies in upper. */
export function inUpper(state: UnionState, node: UnionNode): boolean {
  return node.layer === state.stack.upper;
}

/**
 * The directory of upper behind the node, made with all its parents when it is not there yet.
 * @throws ENOENT when the directory was removed.
 */
export function ensureUpper(state: UnionState, node: UnionNode): RealDirectory {
  const dirs = directoriesOf(node);
  const top = dirs[0]!;
  if (top.layer === state.stack.upper) return top;
  if (node.removed || node.parent === undefined) throw fsError(ENOENT, 'copy-up', node.name);
  const parentDir = ensureUpper(state, node.parent);
  const source = new Statx();
  state.objects.statNode(node, source);
  const work = state.stack.work!;
  const name = work.temporaryName();
  check(mkdirat(work.fd, name, 0o700), 'copy-up', node.name);
  const copy = { node, temporary: Temporary.inWork(work, name), source };
  let realIno = 0;
  withOwnerWriting(state, parentDir, () => {
    realIno = install(state, copy, () => place(state, copy, parentDir));
    if (isOpened(state, source.mode))
      chmodAt(state.stack.descriptor(parentDir), node.name, source.mode & 0o7777);
  });
  const made = new RealDirectory(parentDir.layer, parentDir, node.name);
  state.nodes.unindex(node);
  dirs.unshift(made);
  // Its entries tell by number in which of the directories they lie.
  node.contents?.reordered([]);
  adopt(state, copy, realIno);
  state.noteChange('copy-up', node);
  return made;
}

/** Copies the node's metadata up unless it is in upper already; of small or untrusted files the data too. */
export function copyUp(state: UnionState, node: UnionNode): void {
  if (inUpper(state, node)) {
    // A change made while the data is being filled in would be lost at its end with the times that it moves.
    if (state.pendingCopies.get(node) !== undefined) copyUpData(state, node, Number.MAX_SAFE_INTEGER);
    else state.pendingCopies.restore(node);
    return;
  }
  if (node.isDirectory && !node.removed) ensureUpper(state, node);
  else copyFile(state, node, undefined);
}

/**
 * Brings the data of a file into upper, and its metadata before.
 * @param sizeLimit copy no more than that much; 0 for a file about to be truncated.
 * @throws Wait while a helper thread copies.
 */
export function copyUpData(state: UnionState, node: UnionNode, sizeLimit: number): void {
  if (!inUpper(state, node)) {
    copyFile(state, node, sizeLimit);
    return;
  }
  if (node.data === undefined) return;
  const filledFrom = fillInPlace(state, node, sizeLimit);
  state.objects.statNode(node, after);
  node.keptCtime = keepCtime(node.keptCtime, filledFrom, after);
  state.files.outdate(node);
  node.data = undefined;
  // Reads that come to us continue in the copy, so that every open sees the same file.
  state.files.reopen(node);
}

/**
 * The same as `copyUp`, for an object about to get another name: the data of a file comes along where no redirect could
 * say where it lies.
 * @throws Wait
 */
export function copyUpToMove(
  state: UnionState,
  node: UnionNode,
  { sameParent }: { readonly sameParent: boolean },
): void {
  copyUp(state, node);
  if (node.data !== undefined && !canRedirect(node, { sameParent }))
    copyUpData(state, node, Number.MAX_SAFE_INTEGER);
}

/**
 * The same as `copyUp` for a file with several names in its layer, but without a link in upper at the name it was
 * reached by: for a name about to go.
 */
export function copyUpToIndex(state: UnionState, node: UnionNode): void {
  if (!inUpper(state, node) && !node.byName) copyFile(state, node, undefined, 'index');
}

/** @param sizeLimit undefined: the data may stay where it is. */
function copyFile(
  state: UnionState,
  node: UnionNode,
  sizeLimit: number | undefined,
  link: 'name' | 'index' = 'name',
): void {
  if (node.parent === undefined || node.data?.isMissing === true) throw fsError(ENOENT, 'copy-up', node.name);
  if (node.removed) {
    copyUpOrphan(state, node, sizeLimit);
    return;
  }
  const parentDir = ensureUpper(state, node.parent);
  withOwnerWriting(state, parentDir, () => copyFileInto(state, node, parentDir, { sizeLimit, link }));
}

function copyFileInto(
  state: UnionState,
  node: UnionNode,
  parentDir: RealDirectory,
  { sizeLimit, link }: { readonly sizeLimit: number | undefined; readonly link: 'name' | 'index' },
): void {
  const home = state.objects.homeOf(node);
  const found = new Statx();
  state.objects.statNode(node, found);
  const { temporary, lacksData: keepsData, source } = build(state, node, sizeLimit, found);
  const copy = { node, temporary, source };
  const indexName = source.nlink > 1 && !node.byName ? indexNameOf(state.stack, home, node.name) : undefined;
  if (!keepsData) state.files.outdate(node);
  let linked = 0;
  const realIno = install(state, copy, () => {
    if (keepsData) markMetacopy(state, temporary);
    if (indexName === undefined) place(state, copy, parentDir);
    else
      linked = publishInIndex(state, copy, {
        indexName,
        parentDir: link === 'name' ? parentDir : undefined,
      });
  });
  state.nodes.unindex(node);
  node.data = keepsData ? (node.data ?? { dir: home, name: node.name }) : undefined;
  adopt(state, copy, realIno);
  state.noteChange('copy-up', node);
  if (!keepsData) state.files.reopen(node);
  check(linked, 'copy-up', node.name);
}

/**
 * Copies up a file or directory whose name is gone, and which somebody has open: the copy gets no name either, and lives as long as
 * the node. Overlayfs refuses it (EEXIST, ENOTDIR).
 */
function copyUpOrphan(state: UnionState, node: UnionNode, sizeLimit: number | undefined): void {
  const found = new Statx();
  state.objects.statNode(node, found);
  const { temporary, lacksData, source } = build(state, node, sizeLimit, found);
  const copy = { node, temporary, source };
  let fd = -1;
  let realIno = 0;
  try {
    setCopyAttributes(state, copy);
    if (lacksData) markMetacopy(state, temporary);
    realIno = inodeOf(temporary);
    fd = temporary.unnamed();
  } finally {
    if (fd < 0) temporary.discard();
  }
  if (node.isDirectory) {
    const made = new RealDirectory(state.stack.upper!, directoriesOf(node)[0]!.parent, node.name);
    made.fd = fd;
    made.pinned = true;
    directoriesOf(node).unshift(made);
  } else {
    if (!lacksData) state.files.outdate(node);
    node.data = lacksData ? (node.data ?? { dir: state.objects.homeOf(node), name: node.name }) : undefined;
    node.orphanFd = fd;
    state.nodes.keeper?.keepOrphan(node, fd);
  }
  adopt(state, copy, realIno);
  if (!lacksData) state.files.reopen(node);
}

/** The node's object is the copy in upper from now on. */
function adopt(state: UnionState, { node, source }: Copy, realIno: number): void {
  const { ino } = node;
  node.layer = state.stack.upper!;
  node.byName = false;
  node.realIno = realIno;
  node.ino = ino;
  if (isSeen(state, node)) node.keptCtime = keepCtime(node.keptCtime, source, after);
  if (node.removed) {
    state.nodes.keeper?.note(node);
    return;
  }
  if (source.nlink > 1 && !node.isDirectory && node.indexName === undefined) showOwnNumber(state, node);
  else state.nodes.shownNumbers.take(node.ino, node.realIno);
  state.nodes.index(node, 'object');
  state.nodes.keeper?.note(node);
  // A reader of the directory goes on with its list: it must not find the lower object once more.
  node.parent?.contents?.changed(node.name, { type: node.mode >>> 12, ino: node.realIno, source: 0 });
}

/** The other names of the lower file go on showing its number. Linux: fs/overlayfs/inode.c:ovl_getattr() v6.18. */
function showOwnNumber(state: UnionState, node: UnionNode): void {
  node.ino = node.layer.inodeNumber(node.realIno);
  const { session } = state.files;
  session?.invalidateAttributes(node.id);
  if (node.parent !== undefined) session?.invalidateListing(node.parent.id);
}

/**
 * Gives the file in upper a node of its own, and leaves the old node to those who have the lower file open.
 *
 * PRECONDITION: the data was copied up while the kernel reads the lower file for open descriptors (open state `outdated`).
 */
export function splitReaders(state: UnionState, node: UnionNode): void {
  state.nodes.unindex(node);
  const stat = new Statx();
  state.objects.statNode(node, stat);
  const { layer, ino } = node;
  const successor = attachNode(state, node.parent!, node.name, { layer, ino, stat, byName: false });
  successor.indexName = node.indexName;
  successor.nlinkDelta = node.nlinkDelta;
  successor.redirect = node.redirect;
  successor.keptCtime = node.keptCtime;
  successor.protection = node.protection;
  node.indexName = undefined;
  node.nlinkDelta = 0;
  successor.removed = node.removed;
  successor.orphanFd = node.orphanFd;
  if (successor.removed) state.nodes.unindex(successor);
  node.orphanFd = state.files.takeOutdated(node);
  node.successor = successor;
  const { keeper } = state.nodes;
  if (successor.orphanFd >= 0) keeper?.keepOrphan(successor, successor.orphanFd);
  keeper?.keepOrphan(node, node.orphanFd);
  keeper?.note(node);
  keeper?.note(successor);
  node.successorHasNames = successor.indexName !== undefined || stat.nlink > 1;
  // The successor lives as long as the node that speaks for it.
  successor.children++;
  state.files.session?.invalidateAttributes(node.id);
}

/**
 * Gives the copy the attributes of its original, then its name, in a directory that keeps its times; else removes it.
 * @returns the copy's inode number.
 */
function install(state: UnionState, copy: Copy, publishCopy: () => void): number {
  const { node, temporary, source } = copy;
  let done = false;
  try {
    // First: without privileges only a file that its owner may write takes a user xattr.
    recordOrigin(state, copy);
    if (state.isLive) recordBase(state.stack.xattrs, temporary.dirfd, temporary.name, source);
    setCopyAttributes(state, copy);
    const realIno = inodeOf(temporary);
    keepingTimes(state, node.parent!, () => {
      // Also without an origin: where the data of a metacopy lies is asked for in such directories only.
      setImpure(state, node.parent!);
      publishCopy();
    });
    done = true;
    return realIno;
  } finally {
    if (!done) temporary.discard();
  }
}

function inodeOf({ dirfd, name }: Temporary): number {
  check(statx(dirfd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_INO, after), 'copy-up', name);
  return after.ino;
}

/** Looks, into `after`, at what has been changed already, which must not fail any more. */
function isSeen(state: UnionState, node: UnionNode): boolean {
  try {
    state.objects.statNode(node, after);
    return true;
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    return false;
  }
}

/** Puts the copy into upper. */
function place(state: UnionState, { node, temporary }: Copy, parentDir: RealDirectory): void {
  check(temporary.publish(state.stack.descriptor(parentDir), node.name), 'copy-up', node.name);
}

/** @returns 0, or the negated errno of the link in `parentDir`: the copy then lies in the index alone, as of a name about to go. */
function publishInIndex(
  state: UnionState,
  { node, temporary, source }: Copy,
  at: { readonly indexName: Name; readonly parentDir: RealDirectory | undefined },
): number {
  const index = state.stack.index!;
  const { parentDir } = at;
  // Beside the names in upper, its inode has the one in the index.
  const delta = source.nlink - (parentDir === undefined ? 1 : 2);
  const upperFd = parentDir === undefined ? -1 : state.stack.descriptor(parentDir);
  writeNlinkDelta(state.stack.xattrs, temporary.dirfd, temporary.name, delta);
  check(temporary.publish(index.fd, at.indexName), 'copy-up', node.name);
  node.indexName = at.indexName;
  node.nlinkDelta = delta;
  if (parentDir === undefined) return 0;
  const linked = linkat(index.fd, at.indexName, upperFd, node.name, 0);
  if (linked < 0) takeBackNlinkDelta(state, node, delta + 1);
  return linked;
}

/**
 * Gives a name that leads to a copy through the index a link of its own in upper, so that upper means the same without the index.
 * PRECONDITION: the node has an `indexName`, and upper lacks the name.
 */
export function linkCopy(state: UnionState, node: UnionNode, parent: UnionNode, name: Name): void {
  const directory = ensureUpper(state, parent);
  withOwnerWriting(state, directory, () =>
    keepingTimes(state, parent, () => {
      setImpure(state, parent);
      linkUp(state, node, state.stack.descriptor(directory), name);
    }),
  );
}

/** Runs a change of the directory, which lies in upper, that users do not see as one. */
export function keepingTimes(state: UnionState, directory: UnionNode, change: () => void): void {
  state.objects.statNode(directory, before);
  change();
  utimesAt(state.stack.descriptor(directoriesOf(directory)[0]!), '', timesOfStat(before));
  if (isSeen(state, directory)) directory.keptCtime = keepCtime(directory.keptCtime, before, after);
}

/** Runs a copy into a directory of upper that may deny its owner, the serving user, to write: one of mode 0555, say. */
function withOwnerWriting(state: UnionState, directory: RealDirectory, change: () => void): void {
  if (state.callerIds.enabled) {
    change();
    return;
  }
  check(statDescriptor(state.stack.descriptor(directory), before), 'copy-up', directory.name);
  const { mode } = before;
  if (!isOpened(state, mode)) {
    change();
    return;
  }
  chmodAt(state.stack.descriptor(directory), '', (mode & 0o7777) | OWNER_WRITES);
  try {
    change();
  } finally {
    chmodAt(state.stack.descriptor(directory), '', mode & 0o7777);
  }
}
