/**
 * Copy-up: an object of a lower gets its copy in upper before its first change.
 *
 * Built whole where nobody sees it, then put in its place: a crash leaves the lower object visible or the complete
 * copy. A change of metadata copies no data (metacopy): the data follows, in place, before the first write, on disk
 * before the copy stops pointing to the lower. Linux: fs/overlayfs/copy_up.c:ovl_copy_up_one() v6.18.
 *
 * PRECONDITION: the union is writable; callers asserted it.
 * INVARIANT: nothing that shows happens before `Wait` is thrown: a half-made copy has no name, or is a file whose data
 * still counts as the lower's.
 */

import { ENOENT } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { chmodAt, utimesAt } from '../files/real-object.js';
import { O_PATH } from '../linux/constants.js';
import { linkat, mkdirat } from '../linux/directory.js';
import { Statx } from '../linux/statx.js';
import type { Name } from '../vfs/name.js';
import { fillInPlace } from './copy-up-data.js';
import { build, isOpened, OWNER_WRITES, recordOrigin, setAttributes } from './copy-up-object.js';
import { indexNameOf, writeNlinkDelta } from './index-directory.js';
import { keepCtime } from './kept-ctime.js';
import { RealDirectory } from './layer.js';
import { attachNode, indexNode } from './lookup.js';
import type { UnionNode } from './node.js';
import { setImpure } from './origin.js';
import { timesOf } from './pending-copies.js';
import { canRedirect } from './redirect.js';
import { Temporary } from './temporary.js';
import type { UnionState } from './union-state.js';

const source = new Statx();
const before = new Statx();
const after = new Statx();

/** Whether the node's topmost object lies in upper. */
export function inUpper(state: UnionState, node: UnionNode): boolean {
  return node.layer === state.upper;
}

/**
 * The directory of upper behind the node, made with all its parents when it is not there yet.
 * @throws ENOENT when the directory was removed.
 */
export function ensureUpper(state: UnionState, node: UnionNode): RealDirectory {
  const dirs = state.directories(node);
  const top = dirs[0]!;
  if (top.layer === state.upper) return top;
  if (node.removed || node.parent === undefined) throw fsError(ENOENT, 'copy-up', node.name);
  const parentDir = ensureUpper(state, node.parent);
  const work = state.work!;
  const name = work.temporaryName();
  check(mkdirat(work.fd, name, 0o700), 'copy-up', node.name);
  const temporary = Temporary.inWork(work, name);
  withOwnerWriting(state, parentDir, () => {
    install(state, node, temporary, () => place(state, node, parentDir, temporary));
    if (isOpened(state, source.mode)) chmodAt(state.descriptor(parentDir), node.name, source.mode & 0o7777);
  });
  const made = new RealDirectory(parentDir.layer, parentDir, node.name);
  state.unindex(node);
  dirs.unshift(made);
  // Its entries tell by number in which of the directories they lie.
  node.listing = undefined;
  adopt(state, node);
  return made;
}

/** Copies the node's metadata up unless it is in upper already; of small or untrusted files the data too. */
export function copyUp(state: UnionState, node: UnionNode): void {
  if (inUpper(state, node)) {
    // A change made while the data is being filled in would be lost at its end with the times that it moves.
    if (state.pendingCopies.get(node) !== undefined) copyUpData(state, node, Number.MAX_SAFE_INTEGER);
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
  state.statNode(node, after);
  node.keptCtime = keepCtime(node.keptCtime, filledFrom, after);
  keepReaders(state, node);
  node.data = undefined;
  // Reads that come to us continue in the copy, so that every open sees the same file.
  state.files.reopen(node);
}

/**
 * The same as `copyUp`, for an object about to get another name: the data of a file comes along where no redirect could
 * say where it lies.
 * @throws Wait
 */
export function copyUpToMove(state: UnionState, node: UnionNode, sameParent: boolean): void {
  copyUp(state, node);
  if (node.data !== undefined && !canRedirect(node, sameParent))
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
  const home = state.homeOf(node);
  const { temporary, lacksData: keepsData } = build(state, node, sizeLimit);
  state.statNode(node, source);
  const indexName = source.nlink > 1 && !node.byName ? indexNameOf(state, home, node.name) : undefined;
  if (!keepsData) keepReaders(state, node);
  install(state, node, temporary, () => {
    if (indexName === undefined) place(state, node, parentDir, temporary);
    else
      placeInIndex(state, node, temporary, {
        indexName,
        parentDir: link === 'name' ? parentDir : undefined,
      });
  });
  state.unindex(node);
  node.data = keepsData ? (node.data ?? { dir: home, name: node.name }) : undefined;
  adopt(state, node);
  if (!keepsData) state.files.reopen(node);
}

/**
 * Of a file or directory whose name is gone, and which somebody has open: the copy gets no name either, and lives as long as
 * the node. Overlayfs refuses it (EEXIST, ENOTDIR).
 */
function copyUpOrphan(state: UnionState, node: UnionNode, sizeLimit: number | undefined): void {
  const { temporary, lacksData } = build(state, node, sizeLimit);
  let fd = -1;
  try {
    state.statNode(node, source);
    setAttributes(state, node, temporary, source);
    fd = temporary.unnamed();
  } finally {
    if (fd < 0) temporary.discard();
  }
  if (node.isDirectory) {
    const made = new RealDirectory(state.upper!, state.directories(node)[0]!.parent, node.name);
    made.fd = fd;
    made.pinned = true;
    state.directories(node).unshift(made);
  } else {
    if (!lacksData) keepReaders(state, node);
    node.data = lacksData ? (node.data ?? { dir: state.homeOf(node), name: node.name }) : undefined;
    node.orphanFd = fd;
  }
  adopt(state, node);
  if (!lacksData) state.files.reopen(node);
}

/** The node's object is the one in upper from now on. */
function adopt(state: UnionState, node: UnionNode): void {
  node.layer = state.upper!;
  node.byName = false;
  state.statNode(node, state.other);
  node.keptCtime = keepCtime(node.keptCtime, source, state.other);
  node.realIno = state.other.ino;
  if (node.removed) return;
  indexNode(node, false);
  // A reader of the directory goes on with its list: it must not find the lower object once more.
  node.parent?.listing?.replace(node.name, { type: node.mode >>> 12, ino: node.realIno, source: 0 });
}

/** Opens of the lower file go on with its data in the kernel: the backing file stays until the last is released. */
function keepReaders(state: UnionState, node: UnionNode): void {
  if (node.backingId === 0) return;
  if (node.openCount > 0) {
    node.backingFd = state.openData(node, O_PATH);
    node.backingOutdated = true;
  } else {
    state.files.dropBacking(node);
  }
}

/**
 * Gives the file in upper a node of its own, and leaves the old node to those who have the lower file open.
 *
 * PRECONDITION: the data was copied up while the kernel reads the lower file for open descriptors (`backingOutdated`).
 */
export function splitReaders(state: UnionState, node: UnionNode): void {
  state.unindex(node);
  state.statNode(node, state.stat);
  const { layer, ino, realIno } = node;
  const heir = attachNode(state, node.parent!, node.name, { layer, ino, realIno }, false);
  heir.indexName = node.indexName;
  heir.nlinkDelta = node.nlinkDelta;
  heir.redirect = node.redirect;
  heir.keptCtime = node.keptCtime;
  heir.protection = node.protection;
  node.indexName = undefined;
  node.nlinkDelta = 0;
  heir.removed = node.removed;
  heir.orphanFd = node.orphanFd;
  if (heir.removed) state.unindex(heir);
  node.orphanFd = node.backingFd;
  node.backingFd = -1;
  node.backingOutdated = false;
  node.heir = heir;
  node.heirHasNames = heir.indexName !== undefined || state.stat.nlink > 1;
  // The heir lives as long as the node that speaks for it.
  heir.children++;
  state.files.session?.invalidateAttributes(node.id);
}

/** Gives the copy the attributes of its original, then its name, in a directory that keeps its times; else removes it. */
function install(state: UnionState, node: UnionNode, temporary: Temporary, place: () => void): void {
  let done = false;
  try {
    state.statNode(node, source);
    // First: without privileges only a file that its owner may write takes a user xattr.
    recordOrigin(state, node, temporary, source);
    setAttributes(state, node, temporary, source);
    keepingTimes(state, node.parent!, () => {
      // Also without an origin: where the data of a metacopy lies is asked for in such directories only.
      setImpure(state, node.parent!);
      place();
    });
    done = true;
  } finally {
    if (!done) temporary.discard();
  }
}

/** Puts the copy into upper. */
function place(state: UnionState, node: UnionNode, parentDir: RealDirectory, temporary: Temporary): void {
  check(temporary.publish(state.descriptor(parentDir), node.name), 'copy-up', node.name);
}

function placeInIndex(
  state: UnionState,
  node: UnionNode,
  temporary: Temporary,
  at: { readonly indexName: Name; readonly parentDir: RealDirectory | undefined },
): void {
  const index = state.index!;
  const { parentDir } = at;
  // Beside the names in upper, its inode has the one in the index.
  const delta = source.nlink - (parentDir === undefined ? 1 : 2);
  writeNlinkDelta(state, temporary.dirfd, temporary.name, delta);
  check(temporary.publish(index.fd, at.indexName), 'copy-up', node.name);
  if (parentDir !== undefined) {
    check(linkat(index.fd, at.indexName, state.descriptor(parentDir), node.name, 0), 'copy-up', node.name);
  }
  node.indexName = at.indexName;
  node.nlinkDelta = delta;
}

/** Runs a change of the directory, which lies in upper, that users do not see as one. */
function keepingTimes(state: UnionState, directory: UnionNode, change: () => void): void {
  state.statNode(directory, before);
  change();
  utimesAt(state.descriptor(state.directories(directory)[0]!), '', timesOf(before));
  state.statNode(directory, after);
  directory.keptCtime = keepCtime(directory.keptCtime, before, after);
}

/** Runs a copy into a directory of upper that may deny its owner, the serving user, to write: one of mode 0555, say. */
function withOwnerWriting(state: UnionState, directory: RealDirectory, change: () => void): void {
  if (state.callerIds.enabled) {
    change();
    return;
  }
  check(state.statDescriptor(state.descriptor(directory), state.other), 'copy-up', directory.name);
  const { mode } = state.other;
  if (!isOpened(state, mode)) {
    change();
    return;
  }
  chmodAt(state.descriptor(directory), '', (mode & 0o7777) | OWNER_WRITES);
  try {
    change();
  } finally {
    chmodAt(state.descriptor(directory), '', mode & 0o7777);
  }
}
