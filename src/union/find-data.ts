/**
 * Where the data of a metacopy lies: in a layer below it, or, by the absolute path of a redirect, in a layer of data
 * alone. Linux: fs/overlayfs/namei.c:ovl_lookup(), ovl_lookup_data_layers() v6.18.
 */

import { EIO } from '../errno/errno.js';
import { fsError } from '../errno/fs-error.js';
import { S_IFDIR, S_IFMT, S_IFREG } from '../linux/constants.js';
import type { Name } from '../vfs/name.js';
import { MARK_METACOPY, MARK_REDIRECT } from './format.js';
import { type Layer, RealDirectory } from './layer.js';
import { readMark, readMarks } from './marks.js';
import type { DataPlace, UnionNode } from './node.js';
import { nextStep, Trail } from './redirect.js';
import type { UnionState } from './union-state.js';
import { ABSENT, look, WHITEOUT } from './whiteout.js';

/** Where a file of a lower has its data when that layer, once an upper, has its metadata only; `state.stat` is its stat. */
export function lowerData(
  state: UnionState,
  parent: UnionNode,
  dir: RealDirectory,
  name: Name,
): DataPlace | undefined {
  const { mode, sizeBytes } = state.stat;
  if ((mode & S_IFMT) !== S_IFREG || sizeBytes === 0) return undefined;
  const hasDataLayers = state.dataLayers.length > 0;
  // Metacopies and redirects in `user.overlay.*` lead to layers of data alone.
  if (!hasDataLayers && (!state.trustsXattrs || dir.layer.index === state.layers.length - 1))
    return undefined;
  const fd = state.descriptor(dir);
  const marks = readMarks(state, fd, name);
  if ((marks & MARK_METACOPY) === 0) return undefined;
  const redirect = (marks & MARK_REDIRECT) === 0 ? undefined : readMark(fd, name, state.xattrs.redirect);
  return findData(state, parent, { layer: dir.layer, name, redirect });
}

export interface Metacopy {
  readonly layer: Layer;
  readonly name: Name;
  readonly redirect: Name | undefined;
}

/** @throws EIO when no layer has the data; that of a layer of data alone may be missing until it is opened. */
export function findData(state: UnionState, parent: UnionNode, node: Metacopy): DataPlace {
  const parents = state.directories(parent);
  const trail = new Trail(node.name);
  if (node.redirect !== undefined) trail.follow(node.redirect);
  const hasDataLayers = state.dataLayers.length > 0;
  const last = state.layers.length - 1;
  const end = state.trustsXattrs ? last : node.layer.index;
  for (let index = node.layer.index + 1; index <= end; index++) {
    const step = nextStep(state, parents, index, trail);
    if (step === 'stop') break;
    const finding = step === undefined ? ABSENT : look(state, step.parent, step.name, state.other);
    if (step !== undefined && finding !== ABSENT) {
      if (finding === WHITEOUT || (state.other.mode & S_IFMT) !== S_IFREG) break;
      const fd = state.descriptor(step.parent);
      const marks = index === last && !hasDataLayers ? 0 : readMarks(state, fd, step.name);
      if ((marks & MARK_METACOPY) === 0) return { dir: step.parent, name: step.name };
      if ((marks & MARK_REDIRECT) !== 0) trail.follow(readMark(fd, step.name, state.xattrs.redirect));
    }
    if (trail.last) break;
  }
  if (!hasDataLayers || trail.path === undefined) throw fsError(EIO, 'metacopy', node.name);
  return dataAt(state, trail.path);
}

/** The topmost regular file at a path of the data-only layers; no symlink is followed. */
function dataAt(state: UnionState, names: readonly Name[]): DataPlace {
  for (const layer of state.dataLayers) {
    const dir = directoryOf(state, layer, names);
    const name = names[names.length - 1]!;
    if (dir === undefined || !state.statName(dir, name, state.other)) continue;
    if ((state.other.mode & S_IFMT) === S_IFREG) return { dir, name };
  }
  return { dir: state.dataLayers[0]!.root, name: names[names.length - 1]!, isMissing: true };
}

function directoryOf(state: UnionState, layer: Layer, names: readonly Name[]): RealDirectory | undefined {
  let dir = layer.root;
  for (const name of names.slice(0, -1)) {
    if (!state.statName(dir, name, state.other) || (state.other.mode & S_IFMT) !== S_IFDIR) return undefined;
    dir = new RealDirectory(layer, dir, name);
  }
  return dir;
}
