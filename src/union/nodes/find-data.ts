/**
 * Where the data of a metacopy lies: in a layer below it, or, by the absolute path of a redirect, in a layer of data
 * alone. Linux: fs/overlayfs/namei.c:ovl_lookup(), ovl_lookup_data_layers() v6.18.
 */

import { EIO, EPERM } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../linux/constants.js';
import { Statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';
import { isMetacopy, readMark, readMarks } from '../form/marks.js';
import { MARK_REDIRECT } from '../form/overlay-xattrs.js';
import { Trail } from '../form/redirect.js';
import { nextStep } from '../stack/follow-redirect.js';
import { type Layer, RealDirectory } from '../stack/layer.js';
import { ABSENT, look, WHITEOUT } from '../stack/probe-name.js';
import { type DataLocation, directoriesOf, type UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

const found = new Statx();

/** A file of a lower. */
interface LowerFile {
  readonly dir: RealDirectory;
  readonly name: Name;
  readonly stat: Statx;
}

/** Where the file has its data when its layer, once an upper, has its metadata only. */
export function lowerData(
  state: UnionState,
  parent: UnionNode,
  { dir, name, stat }: LowerFile,
): DataLocation | undefined {
  const { mode, sizeBytes } = stat;
  if ((mode & S_IFMT) !== S_IFREG || sizeBytes === 0) return undefined;
  const hasDataLayers = state.stack.dataLayers.length > 0;
  // Metacopies and redirects in `user.overlay.*` lead to layers of data alone.
  if (!hasDataLayers && (!state.stack.xattrs.isTrusted || dir.layer.index === state.stack.layers.length - 1))
    return undefined;
  const fd = state.stack.descriptor(dir);
  const marks = readMarks(state.stack.xattrs, fd, name);
  if (!isMetacopy(state.stack.xattrs, { dirfd: fd, name }, marks)) return undefined;
  const redirect =
    (marks & MARK_REDIRECT) === 0 ? undefined : readMark(fd, name, state.stack.xattrs.redirect);
  return findData(state, parent, { layer: dir.layer, name, redirect });
}

interface Metacopy {
  readonly layer: Layer;
  readonly name: Name;
  readonly redirect: Name | undefined;
}

/** @throws EPERM with `metacopy=off`. Linux: fs/overlayfs/namei.c:ovl_lookup() v6.18. */
export function assertFollowsMetacopy(state: UnionState, name: Name): void {
  const { features, xattrs } = state.stack;
  if (!features.metacopy && xattrs.isTrusted) throw fsError(EPERM, 'metacopy', name);
}

/**
 * @throws EIO when no layer has the data; that of a layer of data alone may be missing until it is opened. EPERM with
 * `metacopy=off`.
 */
export function findData(state: UnionState, parent: UnionNode, node: Metacopy): DataLocation {
  assertFollowsMetacopy(state, node.name);
  const parents = directoriesOf(parent);
  const trail = new Trail(node.name);
  if (node.redirect !== undefined) trail.follow(node.redirect);
  const hasDataLayers = state.stack.dataLayers.length > 0;
  const last = state.stack.layers.length - 1;
  const end = state.stack.xattrs.isTrusted ? last : node.layer.index;
  for (let index = node.layer.index + 1; index <= end; index++) {
    const step = nextStep(state.stack, parents, index, trail);
    if (step === 'stop') break;
    const finding = step === undefined ? ABSENT : look(state.stack, step.parent, step.name, found);
    if (step !== undefined && finding !== ABSENT) {
      if (finding === WHITEOUT || (found.mode & S_IFMT) !== S_IFREG) break;
      const fd = state.stack.descriptor(step.parent);
      const marks = index === last && !hasDataLayers ? 0 : readMarks(state.stack.xattrs, fd, step.name);
      if (!isMetacopy(state.stack.xattrs, { dirfd: fd, name: step.name }, marks))
        return { dir: step.parent, name: step.name };
      if ((marks & MARK_REDIRECT) !== 0) trail.follow(readMark(fd, step.name, state.stack.xattrs.redirect));
    }
    if (trail.last) break;
  }
  if (!hasDataLayers || trail.path === undefined) throw fsError(EIO, 'metacopy', node.name);
  return dataAt(state, trail.path);
}

/** The topmost regular file at a path of the data-only layers; no symlink is followed. */
function dataAt(state: UnionState, names: readonly Name[]): DataLocation {
  for (const layer of state.stack.dataLayers) {
    const dir = directoryOf(state, layer, names);
    const name = names[names.length - 1]!;
    if (dir === undefined || !state.stack.statName(dir, name, found)) continue;
    if ((found.mode & S_IFMT) === S_IFREG) return { dir, name };
  }
  return { dir: state.stack.dataLayers[0]!.root, name: names[names.length - 1]!, isMissing: true };
}

function directoryOf(state: UnionState, layer: Layer, names: readonly Name[]): RealDirectory | undefined {
  let dir = layer.root;
  for (const name of names.slice(0, -1)) {
    if (!state.stack.statName(dir, name, found) || (found.mode & S_IFMT) !== S_IFDIR) return undefined;
    dir = new RealDirectory(layer, dir, name);
  }
  return dir;
}
