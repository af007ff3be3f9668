/**
 * Lookup: one name in the merged directory, and the node it stands for.
 *
 * Topmost first: a whiteout or a file ends the search; directories collect further ones below until one is opaque.
 * Linux: fs/overlayfs/namei.c:ovl_lookup() v6.18.
 */

import { EPERM } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../linux/constants.js';
import { Statx } from '../../linux/files/statx.js';
import { protectionIn } from '../../realfs/protection-flags.js';
import type { Name } from '../../vfs/name.js';
import { isReservedName } from '../form/fuse-overlayfs-form.js';
import { isMetacopy, readMark, readMarks } from '../form/marks.js';
import { readOrigin } from '../form/origin.js';
import {
  MARK_IMPURE,
  MARK_METACOPY,
  MARK_NLINK,
  MARK_OPAQUE,
  MARK_ORIGIN,
  MARK_REDIRECT,
  MARK_XWHITEOUTS,
} from '../form/overlay-xattrs.js';
import { Trail } from '../form/redirect.js';
import { nextStep } from '../stack/follow-redirect.js';
import { indexNameOf } from '../stack/index-directory.js';
import { type Layer, RealDirectory } from '../stack/layer.js';
import { ABSENT, FOUND, isOpaqueByFile, look, WHITEOUT } from '../stack/probe-name.js';
import { assertFollowsMetacopy, findData, lowerData } from './find-data.js';
import type { Found } from './found.js';
import { isImpureNode } from './impure.js';
import { loadNlinkDelta } from './indexed-files.js';
import { directoriesOf, type UnionNode } from './node.js';
import { numberOfCopy } from './numbers/number-of-copy.js';
import type { UnionState } from './union-state.js';

/** In which statx counts what a file takes. */
const STAT_BLOCK_BYTES = 512;

/** The statx of objects below the topmost; a lookup leaves nothing in it. */
const below = new Statx();

/** @returns the node, without a reference for the caller. */
export function lookupNode(
  state: UnionState,
  parent: UnionNode,
  name: Name,
  out: Found,
): UnionNode | undefined {
  out.name = name;
  out.depth = 0;
  out.session = state.files.session;
  const startedMs = state.layerNames.begin();
  const node = lookupListed(state, parent, out);
  state.layerNames.end(startedMs, 0, directoriesOf(parent));
  return node;
}

/**
 * The same of a name that a listing has.
 * PRECONDITION: `out` has the name, and `depth` of a directory above which no other has it.
 */
export function lookupListed(state: UnionState, parent: UnionNode, out: Found): UnionNode | undefined {
  const dirs = directoriesOf(parent);
  const { name, stat, session } = out;
  if (isReservedName(state.stack.xattrs, name)) return undefined;
  const looksInMemory = session === undefined || parent.isAhead;
  for (; out.depth < dirs.length; out.depth++) {
    const dir = dirs[out.depth]!;
    if (session !== undefined) dir.layer.gate?.pass(session);
    if (!looksInMemory) state.layerNames.awaitName(session, dir, name);
    const finding = look(state.stack, dir, name, stat);
    if (finding === ABSENT) continue;
    if (finding === WHITEOUT) return undefined;
    if ((stat.mode & S_IFMT) !== S_IFDIR) return fileNode(state, parent, dir, out);
    const known = state.nodes.ofObject(dir.layer, stat.ino);
    return known?.isDirectory === true && stat.dev === dir.layer.dev
      ? known
      : directoryNode(state, parent, out);
  }
  return undefined;
}

/** Collects the directories below the one that was found. */
function directoryNode(
  state: UnionState,
  parent: UnionNode,
  { name, depth, stat, session }: Found,
): UnionNode {
  const parents = directoriesOf(parent);
  const top = parents[depth]!;
  const named = parent.namedChildren?.get(name);
  if (named?.isDirectory === true && named.realIno === stat.ino && named.layer === top.layer) return named;
  const dirs = [new RealDirectory(top.layer, top, name)];
  const trail = new Trail(name);
  const last = state.stack.layers.length - 1;
  let ino = top.layer.inodeNumber(stat.ino);
  let redirect: Name | undefined;
  const refuses = state.stack.features.redirectDir === 'nofollow';
  let isRedirected = false;
  let marks = top.layer.index === last ? 0 : readDirectoryMarks(state, dirs[0]!);
  const impure = (marks & MARK_IMPURE) !== 0;
  if ((marks & MARK_REDIRECT) !== 0) {
    redirect = readMark(state.stack.descriptor(top), name, state.stack.xattrs.redirect);
    trail.follow(redirect);
    isRedirected = true;
  }
  for (let index = top.layer.index + 1; index <= last && (marks & MARK_OPAQUE) === 0; index++) {
    const step = nextStep(state.stack, parents, index, trail);
    if (step === 'stop') break;
    if (session !== undefined && step !== undefined) {
      step.parent.layer.gate?.pass(session);
      if (!parent.isAhead) state.layerNames.awaitName(session, step.parent, step.name);
    }
    const finding = step === undefined ? ABSENT : look(state.stack, step.parent, step.name, below);
    if (step !== undefined && finding !== ABSENT) {
      if (finding === WHITEOUT || (below.mode & S_IFMT) !== S_IFDIR) break;
      if (isRedirected && refuses) throw fsError(EPERM, 'redirect', name);
      const { layer } = step.parent;
      // A directory shows the number of its topmost lower one, which copy-up does not change.
      if (dirs.length === 1 && top.layer === state.stack.upper) {
        ino = state.nodes.shownNumbers.ofCopy(layer.inodeNumber(below.ino), stat.ino) ?? ino;
      }
      const dir = new RealDirectory(layer, step.parent, step.name);
      dirs.push(dir);
      marks = index === last ? 0 : readDirectoryMarks(state, dir);
      if ((marks & MARK_REDIRECT) !== 0) {
        trail.follow(readMark(state.stack.descriptor(step.parent), step.name, state.stack.xattrs.redirect));
        isRedirected = true;
      }
    }
    if (trail.last) break;
  }
  if (top.layer !== state.stack.upper) ino = state.nodes.shownNumbers.ofLower(ino);
  const node = attachNode(state, parent, name, {
    layer: top.layer,
    ino,
    stat,
    byName: stat.dev !== top.layer.dev,
  });
  node.dirs = dirs;
  if (top.layer === state.stack.upper) {
    node.impure = impure;
    node.redirect = redirect;
  }
  return node;
}

/** The marks of a directory that is not the root of its layer; also remembered in it. */
function readDirectoryMarks(state: UnionState, dir: RealDirectory): number {
  const marks = readMarks(state.stack.xattrs, state.stack.descriptor(dir.parent!), dir.name);
  dir.xattrWhiteouts = (marks & MARK_XWHITEOUTS) !== 0;
  return isOpaqueByFile(state.stack, dir) ? marks | MARK_OPAQUE : marks;
}

/** The directories of the union's root. */
export function rootDirectories(state: UnionState): RealDirectory[] {
  const dirs: RealDirectory[] = [];
  for (const { root } of state.stack.layers) {
    dirs.push(root);
    const marks = readMarks(state.stack.xattrs, state.stack.descriptor(root), '');
    root.xattrWhiteouts = (marks & MARK_XWHITEOUTS) !== 0 && root.layer.index < state.stack.layers.length - 1;
    // Overlayfs merges roots whatever their marks are.
    if (
      state.stack.xattrs.readsFuseOverlayfs &&
      ((marks & MARK_OPAQUE) !== 0 || isOpaqueByFile(state.stack, root))
    )
      break;
  }
  return dirs;
}

function fileNode(state: UnionState, parent: UnionNode, dir: RealDirectory, out: Found): UnionNode {
  const { layer } = dir;
  const { name, stat } = out;
  const inUpper = layer === state.stack.upper;
  // Below a foreign mount the inode number does not identify the object in its layer.
  let byName = stat.dev !== layer.dev;
  const severalNames = !inUpper && stat.nlink > 1 && !byName;
  const known =
    byName || (severalNames && state.stack.index === undefined)
      ? parent.namedChildren?.get(name)
      : state.nodes.ofObject(layer, stat.ino);
  if (known !== undefined) {
    if (known.layer === layer && known.realIno === stat.ino && sameType(known, stat))
      return reached(state, known, parent, out);
    state.nodes.unindex(known);
    state.nodes.keeper?.note(known);
  }
  if (severalNames) {
    const indexName = indexNameOf(state.stack, dir, name);
    const indexed = indexName === undefined ? undefined : indexedNode(state, parent, { dir, indexName }, out);
    if (indexed !== undefined) return indexed;
    byName = indexName === undefined;
  }
  const own = layer.inodeNumber(stat.ino);
  const ino = inUpper ? own : state.nodes.shownNumbers.ofLower(own);
  const node = attachNode(state, parent, name, { layer, ino, stat, byName });
  let done = false;
  try {
    if (!inUpper) node.data = lowerData(state, parent, { dir, name, stat });
    else if (isImpureNode(state, parent) || isUnmarkedMetacopy(state, dir, out)) readPast(state, node);
    done = true;
  } finally {
    // Of a metacopy without its data nothing is known: the next lookup must fail as this one.
    if (!done) state.release(node);
  }
  return node;
}

/**
 * Whether the file is a metacopy in a directory that does not say that it holds any: somebody has moved it there while nothing
 * was mounted. Linux: fs/overlayfs/namei.c:ovl_lookup_layer() v6.18 asks each file of upper.
 *
 * Here those are asked that may lack data, which costs 2 us each: files with holes, and those of one block, which may be that of their
 * attributes.
 */
function isUnmarkedMetacopy(state: UnionState, dir: RealDirectory, { name, stat }: Found): boolean {
  if ((stat.mode & S_IFMT) !== S_IFREG || stat.sizeBytes === 0) return false;
  const bytes = stat.blocks * STAT_BLOCK_BYTES;
  if (bytes >= stat.sizeBytes && bytes > stat.blksize) return false;
  return (readMarks(state.stack.xattrs, state.stack.descriptor(dir), name) & MARK_METACOPY) !== 0;
}

/** A known node is reached by the name that was looked up. */
function reached(state: UnionState, node: UnionNode, parent: UnionNode, { name, stat }: Found): UnionNode {
  if (node.parent !== parent || node.name !== name) moveNode(state, node, parent, name);
  node.mode = stat.mode;
  return node;
}

/**
 * The node of a lower file's copy in the index.
 * @param out of the lower file; then of the copy, where there is one.
 */
function indexedNode(
  state: UnionState,
  parent: UnionNode,
  at: { readonly dir: RealDirectory; readonly indexName: Name },
  out: Found,
): UnionNode | undefined {
  const { name, stat } = out;
  const { ino: lowerIno, nlink: lowerNlink } = stat;
  const index = state.stack.index!;
  if (!state.stack.statName(index, at.indexName, below)) return undefined;
  const data = lowerData(state, parent, { dir: at.dir, name, stat }) ?? { dir: at.dir, name };
  state.stack.statName(index, at.indexName, stat);
  const known = state.nodes.ofObject(index.layer, stat.ino);
  if (known !== undefined) return reached(state, known, parent, out);
  const marks = readMarks(state.stack.xattrs, index.fd, at.indexName);
  const lacksData = isMetacopy(state.stack.xattrs, { dirfd: index.fd, name: at.indexName }, marks);
  if (lacksData) assertFollowsMetacopy(state, name);
  const ino = at.dir.layer.inodeNumber(lowerIno);
  state.nodes.shownNumbers.take(ino, stat.ino);
  const node = attachNode(state, parent, name, { layer: index.layer, ino, stat, byName: false });
  node.indexName = at.indexName;
  loadNlinkDelta(state, node, lowerNlink);
  if (lacksData) node.data = data;
  return node;
}

/** What the xattrs of a file in upper say of where it came from: its number, its other names, its data. */
function readPast(state: UnionState, node: UnionNode): void {
  const parent = node.parent!;
  const upper = directoriesOf(parent)[0]!;
  const fd = state.stack.descriptor(upper);
  const marks = readMarks(state.stack.xattrs, fd, node.name);
  if (marks === 0) return;
  const record = (marks & MARK_ORIGIN) === 0 ? undefined : readOrigin(state.stack.xattrs, fd, node.name);
  if ((marks & MARK_REDIRECT) !== 0) node.redirect = readMark(fd, node.name, state.stack.xattrs.redirect);
  if ((marks & MARK_NLINK) !== 0 && record !== undefined && state.stack.index !== undefined) {
    const indexName = record.toString('hex');
    if (state.stack.statName(state.stack.index, indexName, below) && below.ino === node.realIno) {
      node.indexName = indexName;
      loadNlinkDelta(state, node, 0);
    }
  }
  if (record !== undefined) node.ino = numberOfCopy(state, node, record) ?? node.ino;
  const isFile = (node.mode & S_IFMT) === S_IFREG;
  if (isFile && isMetacopy(state.stack.xattrs, { dirfd: fd, name: node.name }, marks))
    node.data = findData(state, parent, node);
}

function sameType(node: UnionNode, stat: Statx): boolean {
  return ((node.mode ^ stat.mode) & S_IFMT) === 0;
}

interface Identity {
  readonly layer: Layer;
  /** Inode number as reported. */
  readonly ino: number;
  /** The object in the layer. */
  readonly stat: Statx;
  /** Whether the inode number does not identify it there. */
  readonly byName: boolean;
}

/** A new node under `parent`, indexed. */
export function attachNode(
  state: UnionState,
  parent: UnionNode,
  name: Name,
  { layer, ino, stat, byName }: Identity,
): UnionNode {
  const node = state.nodes.make(layer, stat.ino, state.files.session);
  node.ino = ino;
  node.mode = stat.mode;
  if (!layer.writable) node.protection = protectionIn(stat);
  node.parent = parent;
  node.name = name;
  parent.children++;
  state.nodes.index(node, byName ? 'name' : 'object');
  return node;
}

/** The node is reached by another name from now on. */
export function moveNode(state: UnionState, node: UnionNode, parent: UnionNode, name: Name): void {
  const old = node.parent;
  if (node.byName && old?.namedChildren?.get(node.name) === node) {
    old.namedChildren.delete(node.name);
    parent.namedChildren ??= new Map();
    parent.namedChildren.set(name, node);
  }
  node.parent = parent;
  node.name = name;
  parent.children++;
  if (old !== undefined) {
    old.children--;
    // A directory that was removed may have been known for the sake of this node alone.
    state.release(old);
  }
  if (node.orphanFd >= 0) {
    state.stack.cache.held.close(node.orphanFd);
    node.orphanFd = -1;
    node.removed = false;
    state.nodes.keeper?.dropOrphan(node);
  }
  state.nodes.keeper?.noteMoved(node);
}

/** Whether a layer below upper shows the name, so that removing it from upper must leave a whiteout. */
export function lowerHas(state: UnionState, parent: UnionNode, name: Name): boolean {
  for (const dir of directoriesOf(parent)) {
    if (dir.layer === state.stack.upper) continue;
    const finding = look(state.stack, dir, name, below);
    if (finding !== ABSENT) return finding === FOUND;
  }
  return false;
}
