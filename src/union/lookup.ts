/**
 * Lookup: one name in the merged directory, and the node it stands for.
 *
 * Topmost first: a whiteout or a file ends the search; directories collect further ones below until one is opaque.
 * Linux: fs/overlayfs/namei.c:ovl_lookup() v6.18.
 */

import { ENODATA, EOPNOTSUPP } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { S_IFDIR, S_IFMT } from '../linux/constants.js';
import { close } from '../linux/open.js';
import type { Statx } from '../linux/statx.js';
import { getxattrAt } from '../linux/xattr.js';
import type { Name } from '../vfs/name.js';
import { isWhiteout } from './format.js';
import { type Layer, RealDirectory } from './layer.js';
import type { UnionNode } from './node.js';
import { originInode } from './origin.js';
import type { UnionState } from './union-state.js';

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
  for (let i = from; i < dirs.length; i++) {
    const dir = dirs[i]!;
    if (!state.statName(dir, name, state.stat)) continue;
    if (isWhiteout(state.stat)) return undefined;
    if ((state.stat.mode & S_IFMT) !== S_IFDIR) return fileNode(state, parent, name, dir.layer);
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
  const known = parent.namedChildren?.get(name);
  if (known?.isDirectory === true && known.realIno === state.stat.ino && known.layer === top.layer)
    return known;
  const dirs = [new RealDirectory(top.layer, top, name)];
  let ino = top.layer.inodeNumber(state.stat.ino);
  for (let i = first + 1; i < parents.length; i++) {
    if (isOpaque(state, parents[i - 1]!, name, dirs)) break;
    const dir = parents[i]!;
    if (!state.statName(dir, name, state.other)) continue;
    if ((state.other.mode & S_IFMT) !== S_IFDIR) break;
    // A directory shows the number of its topmost lower one, which copy-up does not change.
    if (dirs.length === 1 && top.layer === state.upper) ino = dir.layer.inodeNumber(state.other.ino);
    dirs.push(new RealDirectory(dir.layer, dir, name));
  }
  const node = attachNode(state, parent, name, { layer: top.layer, ino, realIno: state.stat.ino });
  node.dirs = dirs;
  return node;
}

const flag = Buffer.alloc(1);

/** Whether the last directory found, in the parent's directory before the one looked at next, is opaque. */
function isOpaque(state: UnionState, parent: RealDirectory, name: Name, found: RealDirectory[]): boolean {
  if (found[found.length - 1]!.parent !== parent) return false;
  const length = getxattrAt(state.descriptor(parent), name, state.xattrs.opaque, flag);
  if (length === 1) return flag[0] === 0x79;
  if (length < 0 && length !== -ENODATA && length !== -EOPNOTSUPP && length !== -34) {
    check(length, 'getxattr', name);
  }
  return false;
}

function fileNode(state: UnionState, parent: UnionNode, name: Name, layer: Layer): UnionNode {
  const stat = state.stat;
  const byName = !sameDevice(state, layer) || (stat.nlink > 1 && layer !== state.upper);
  const known = byName ? parent.namedChildren?.get(name) : layer.nodes.get(stat.ino);
  if (known !== undefined) {
    if (known.layer === layer && known.realIno === stat.ino && sameType(known, stat)) {
      if (known.parent !== parent || known.name !== name) moveNode(known, parent, name);
      known.mode = stat.mode;
      return known;
    }
    state.unindex(known);
  }
  const realIno = stat.ino;
  let ino = layer.inodeNumber(realIno);
  if (layer === state.upper) ino = originInode(state, parent, name) ?? ino;
  const node = attachNode(state, parent, name, { layer, ino, realIno }, byName);
  return node;
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
export function moveNode(node: UnionNode, parent: UnionNode, name: Name): void {
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
    close(node.orphanFd);
    node.orphanFd = -1;
    node.removed = false;
  }
}

/** Whether a layer below upper shows the name, so that removing it from upper must leave a whiteout. */
export function lowerHas(state: UnionState, parent: UnionNode, name: Name): boolean {
  for (const dir of state.directories(parent)) {
    if (dir.layer === state.upper) continue;
    if (state.statName(dir, name, state.other)) return !isWhiteout(state.other);
  }
  return false;
}
