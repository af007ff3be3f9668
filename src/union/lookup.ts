/**
 * Lookup: one name in the merged directory, and the node it stands for.
 *
 * Topmost first: a whiteout or a file ends the search; directories collect further ones below until one is opaque.
 * Linux: fs/overlayfs/namei.c:ovl_lookup() v6.18.
 */

import { protectionIn } from '../files/inode-flags.js';
import { S_IFDIR, S_IFMT } from '../linux/constants.js';
import type { Statx } from '../linux/statx.js';
import type { Name } from '../vfs/name.js';
import { findData, lowerData } from './find-data.js';
import {
  MARK_IMPURE,
  MARK_METACOPY,
  MARK_NLINK,
  MARK_OPAQUE,
  MARK_ORIGIN,
  MARK_REDIRECT,
  MARK_XWHITEOUTS,
} from './format.js';
import { hasOpaqueFile, isReservedName } from './fuse-overlayfs-form.js';
import { indexNameOf, readNlinkDelta } from './index-directory.js';
import { type Layer, RealDirectory } from './layer.js';
import { readMark, readMarks } from './marks.js';
import type { UnionNode } from './node.js';
import { isImpureNode, originInode, readOrigin } from './origin.js';
import { nextStep, Trail } from './redirect.js';
import type { UnionState } from './union-state.js';
import { ABSENT, FOUND, look, WHITEOUT } from './whiteout.js';

/**
 * @param from first of the parent's directories to look in, for callers who know that those above lack the name.
 * @returns the node, without a reference for the caller; `state.stat` then holds what its topmost object is.
 */
export function lookupNode(
  state: UnionState,
  parent: UnionNode,
  name: Name,
  from = 0,
): UnionNode | undefined {
  const dirs = state.directories(parent);
  if (isReservedName(state, name)) return undefined;
  for (let i = from; i < dirs.length; i++) {
    const dir = dirs[i]!;
    const finding = look(state, dir, name, state.stat);
    if (finding === ABSENT) continue;
    if (finding === WHITEOUT) return undefined;
    if ((state.stat.mode & S_IFMT) !== S_IFDIR) return fileNode(state, parent, name, dir);
    const known = dir.layer.nodes.get(state.stat.ino);
    if (known?.isDirectory === true && sameDevice(state, dir.layer)) return known;
    return directoryNode(state, parent, name, i);
  }
  return undefined;
}

/** Whether the inode number of `state.stat` identifies the object in its layer: not so below a foreign mount. */
function sameDevice(state: UnionState, layer: Layer): boolean {
  return state.stat.dev === layer.dev;
}

/** Collects the directories below the one found at `first`, whose stat is in `state.stat`. */
function directoryNode(state: UnionState, parent: UnionNode, name: Name, first: number): UnionNode {
  const parents = state.directories(parent);
  const top = parents[first]!;
  const named = parent.namedChildren?.get(name);
  if (named?.isDirectory === true && named.realIno === state.stat.ino && named.layer === top.layer)
    return named;
  const dirs = [new RealDirectory(top.layer, top, name)];
  const trail = new Trail(name);
  const last = state.layers.length - 1;
  let ino = top.layer.inodeNumber(state.stat.ino);
  let redirect: Name | undefined;
  let marks = top.layer.index === last ? 0 : readDirectoryMarks(state, dirs[0]!);
  const impure = (marks & MARK_IMPURE) !== 0;
  if ((marks & MARK_REDIRECT) !== 0) {
    redirect = readMark(state.descriptor(top), name, state.xattrs.redirect);
    trail.follow(redirect);
  }
  for (let index = top.layer.index + 1; index <= last && (marks & MARK_OPAQUE) === 0; index++) {
    const step = nextStep(state, parents, index, trail);
    if (step === 'stop') break;
    const finding = step === undefined ? ABSENT : look(state, step.parent, step.name, state.other);
    if (step !== undefined && finding !== ABSENT) {
      if (finding === WHITEOUT || (state.other.mode & S_IFMT) !== S_IFDIR) break;
      const { layer } = step.parent;
      // A directory shows the number of its topmost lower one, which copy-up does not change.
      if (dirs.length === 1 && top.layer === state.upper) ino = layer.inodeNumber(state.other.ino);
      const dir = new RealDirectory(layer, step.parent, step.name);
      dirs.push(dir);
      marks = index === last ? 0 : readDirectoryMarks(state, dir);
      if ((marks & MARK_REDIRECT) !== 0) {
        trail.follow(readMark(state.descriptor(step.parent), step.name, state.xattrs.redirect));
      }
    }
    if (trail.last) break;
  }
  const node = attachNode(state, parent, name, { layer: top.layer, ino, realIno: state.stat.ino });
  node.dirs = dirs;
  if (top.layer === state.upper) {
    node.impure = impure;
    node.redirect = redirect;
  }
  return node;
}

/** The marks of a directory that is not the root of its layer; also remembered in it. */
function readDirectoryMarks(state: UnionState, dir: RealDirectory): number {
  const marks = readMarks(state, state.descriptor(dir.parent!), dir.name);
  dir.xattrWhiteouts = (marks & MARK_XWHITEOUTS) !== 0;
  return hasOpaqueFile(state, dir) ? marks | MARK_OPAQUE : marks;
}

/** The directories of the union's root. */
export function rootDirectories(state: UnionState): RealDirectory[] {
  const dirs: RealDirectory[] = [];
  for (const { root } of state.layers) {
    dirs.push(root);
    const marks = readMarks(state, state.descriptor(root), '');
    root.xattrWhiteouts = (marks & MARK_XWHITEOUTS) !== 0 && root.layer.index < state.layers.length - 1;
    // Overlayfs merges roots whatever their marks are.
    if (state.readsFuseOverlayfs && ((marks & MARK_OPAQUE) !== 0 || hasOpaqueFile(state, root))) break;
  }
  return dirs;
}

function fileNode(state: UnionState, parent: UnionNode, name: Name, dir: RealDirectory): UnionNode {
  const { layer } = dir;
  const { stat } = state;
  const inUpper = layer === state.upper;
  let byName = !sameDevice(state, layer);
  const severalNames = !inUpper && stat.nlink > 1 && !byName;
  const known =
    byName || (severalNames && state.index === undefined)
      ? parent.namedChildren?.get(name)
      : layer.nodes.get(stat.ino);
  if (known !== undefined) {
    if (known.layer === layer && known.realIno === stat.ino && sameType(known, stat))
      return found(state, known, parent, name);
    state.unindex(known);
  }
  if (severalNames) {
    const indexName = indexNameOf(state, dir, name);
    const indexed =
      indexName === undefined ? undefined : indexedNode(state, parent, { dir, name, indexName });
    if (indexed !== undefined) return indexed;
    byName = indexName === undefined;
  }
  const realIno = stat.ino;
  const node = attachNode(state, parent, name, { layer, ino: layer.inodeNumber(realIno), realIno }, byName);
  let done = false;
  try {
    if (!inUpper) node.data = lowerData(state, parent, dir, name);
    else if (isImpureNode(state, parent)) readPast(state, node);
    done = true;
  } finally {
    // Of a metacopy without its data nothing is known: the next lookup must fail as this one.
    if (!done) state.release(node);
  }
  return node;
}

/** PRECONDITION: `state.stat` is what the name leads to. */
function found(state: UnionState, node: UnionNode, parent: UnionNode, name: Name): UnionNode {
  if (node.parent !== parent || node.name !== name) moveNode(state, node, parent, name);
  node.mode = state.stat.mode;
  return node;
}

/** The node of a lower file's copy in the index; `state.stat` is then that of the copy. */
function indexedNode(
  state: UnionState,
  parent: UnionNode,
  at: { readonly dir: RealDirectory; readonly name: Name; readonly indexName: Name },
): UnionNode | undefined {
  const { ino: lowerIno, nlink: lowerNlink } = state.stat;
  const index = state.index!;
  if (!state.statName(index, at.indexName, state.other)) return undefined;
  const data = lowerData(state, parent, at.dir, at.name) ?? { dir: at.dir, name: at.name };
  state.statName(index, at.indexName, state.stat);
  const realIno = state.stat.ino;
  const known = index.layer.nodes.get(realIno);
  if (known !== undefined) return found(state, known, parent, at.name);
  const ino = at.dir.layer.inodeNumber(lowerIno);
  const node = attachNode(state, parent, at.name, { layer: index.layer, ino, realIno }, false);
  node.indexName = at.indexName;
  readNlinkDelta(state, node, lowerNlink);
  if ((readMarks(state, index.fd, at.indexName) & MARK_METACOPY) !== 0) node.data = data;
  return node;
}

/** What the xattrs of a file in upper say of where it came from: its number, its other names, its data. */
function readPast(state: UnionState, node: UnionNode): void {
  const parent = node.parent!;
  const upper = state.directories(parent)[0]!;
  const fd = state.descriptor(upper);
  const marks = readMarks(state, fd, node.name);
  if (marks === 0) return;
  const record = (marks & MARK_ORIGIN) === 0 ? undefined : readOrigin(state, fd, node.name);
  if (record !== undefined) node.ino = originInode(state, record) ?? node.ino;
  if ((marks & MARK_REDIRECT) !== 0) node.redirect = readMark(fd, node.name, state.xattrs.redirect);
  if ((marks & MARK_NLINK) !== 0 && record !== undefined && state.index !== undefined) {
    const indexName = record.toString('hex');
    if (state.statName(state.index, indexName, state.other) && state.other.ino === node.realIno) {
      node.indexName = indexName;
      readNlinkDelta(state, node, 0);
    }
  }
  if ((marks & MARK_METACOPY) !== 0) node.data = findData(state, parent, node);
}

function sameType(node: UnionNode, stat: Statx): boolean {
  return ((node.mode ^ stat.mode) & S_IFMT) === 0;
}

export interface Identity {
  readonly layer: Layer;
  /** As reported. */
  readonly ino: number;
  /** In the layer. */
  readonly realIno: number;
}

/** A new node under `parent`, indexed; its mode is that of `state.stat`. */
export function attachNode(
  state: UnionState,
  parent: UnionNode,
  name: Name,
  identity: Identity,
  byName = identity.layer.dev !== state.stat.dev,
): UnionNode {
  const node = state.table.make(identity.layer, identity.ino);
  node.realIno = identity.realIno;
  node.mode = state.stat.mode;
  if (!identity.layer.writable) node.protection = protectionIn(state.stat);
  node.parent = parent;
  node.name = name;
  parent.children++;
  indexNode(node, byName);
  return node;
}

export function indexNode(node: UnionNode, byName: boolean): void {
  node.byName = byName;
  if (byName && node.parent !== undefined) {
    node.parent.namedChildren ??= new Map();
    node.parent.namedChildren.set(node.name, node);
  } else {
    node.layer.nodes.set(node.realIno, node);
  }
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
  if (old !== undefined) old.children--;
  if (node.orphanFd >= 0) {
    state.cache.held.close(node.orphanFd);
    node.orphanFd = -1;
    node.removed = false;
  }
}

/** Whether a layer below upper shows the name, so that removing it from upper must leave a whiteout. */
export function lowerHas(state: UnionState, parent: UnionNode, name: Name): boolean {
  for (const dir of state.directories(parent)) {
    if (dir.layer === state.upper) continue;
    const finding = look(state, dir, name, state.other);
    if (finding !== ABSENT) return finding === FOUND;
  }
  return false;
}
