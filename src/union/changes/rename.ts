/**
 * rename with NOREPLACE and EXCHANGE, between any two directories of the union.
 *
 * The source is copied up first, without data and without what a directory holds; then one rename in upper moves it,
 * and leaves a whiteout where a lower shows the old name. What has parts in a lower gets a redirect to them; a pure
 * directory that comes to lie over one of a lower is made opaque. Linux: fs/overlayfs/dir.c:ovl_rename() v6.18.
 *
 * Without redirects (`redirect_dir=off`, and in `user.overlay.*`, where overlayfs follows none) a directory with a part in a
 * lower answers EXDEV, as there; mv(1) then copies it.
 */

import { EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EXDEV } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from '../../linux/constants.js';
import { renameat2, unlinkat } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx } from '../../linux/files/statx.js';
import { removeContent } from '../../realfs/remove-below.js';
import type { Name } from '../../vfs/name.js';
import { copyUpToMove, ensureUpper, inUpper } from '../copy-up/copy-up.js';
import { assertNameable } from '../form/fuse-overlayfs-form.js';
import { Found } from '../nodes/found.js';
import { isImpureNode, setImpure } from '../nodes/impure.js';
import { linkUp } from '../nodes/indexed-files.js';
import { isEmptyDirectory } from '../nodes/listing/merged-listing.js';
import { lookupNode, lowerHas, moveNode } from '../nodes/lookup.js';
import { directoriesOf, type UnionNode } from '../nodes/node.js';
import { setRedirect } from '../nodes/redirects.js';
import type { UnionState } from '../nodes/union-state.js';
import type { RealDirectory } from '../stack/layer.js';
import { whiteoutIn } from '../stack/probe-name.js';
import { announceXattrWhiteouts, linkWhiteout, replaceDotWhiteout } from '../stack/put-whiteout.js';
import { readNames } from '../stack/read-names.js';
import { setOpaque } from './create-object.js';
import { assertMayDelete } from './may-change.js';
import { forgetName, prepareRemoval, undoRemoval } from './remove-name.js';

const looked = new Found();
const found = new Statx();

/** One side of a rename. */
interface Side {
  readonly parent: UnionNode;
  readonly name: Name;
  readonly node: UnionNode | undefined;
  /** Whether a layer below upper shows the name. */
  readonly covered: boolean;
}

interface RenameEnds {
  readonly from: UnionNode;
  readonly name: Name;
  readonly to: UnionNode;
  readonly newName: Name;
}

export function rename(state: UnionState, ends: RenameEnds, flags: number): void {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) throw fsError(EINVAL, 'rename', ends.name);
  assertNameable(state.stack.xattrs, ends.newName);
  const source = side(state, ends.from, ends.name);
  const target = side(state, ends.to, ends.newName);
  const moved = source.node;
  if (moved === undefined) throw fsError(ENOENT, 'rename', ends.name);
  if (target.node !== undefined && (flags & RENAME_NOREPLACE) !== 0)
    throw fsError(EEXIST, 'rename', ends.newName);
  if (target.node === undefined && (flags & RENAME_EXCHANGE) !== 0)
    throw fsError(ENOENT, 'rename', ends.newName);
  if (moved === target.node) return;
  assertMayDelete(state, ends.from, moved, 'rename');
  assertMayDelete(state, ends.to, target.node, 'rename');
  assertMovable(state, moved);
  // Before anything is copied, which would take a hard link of a layer from its others.
  if (target.node !== undefined && (flags & RENAME_EXCHANGE) !== 0) assertMovable(state, target.node);
  copyUpToMove(state, moved, { sameParent: ends.from === ends.to });
  if ((flags & RENAME_EXCHANGE) !== 0) exchange(state, source, target);
  else move(state, source, target);
  noteMoved(ends, moved, (flags & RENAME_EXCHANGE) === 0 ? undefined : target.node);
}

function noteMoved({ from, name, to, newName }: RenameEnds, moved: UnionNode, other?: UnionNode): void {
  from.contents?.reordered([[name, other && listed(other)]]);
  to.contents?.reordered([[newName, listed(moved)]]);
  from.mayBePure = true;
  to.mayBePure = true;
}

/** The type and inode number by which a node of upper is listed. */
function listed(node: UnionNode): { readonly type: number; readonly ino: number; readonly source: number } {
  return { type: node.mode >>> 12, ino: node.realIno, source: 0 };
}

function side(state: UnionState, parent: UnionNode, name: Name): Side {
  const node = lookupNode(state, parent, name, looked);
  return { parent, name, node, covered: lowerHas(state, parent, name) };
}

/** @throws EXDEV for a directory with a part in a lower where no redirects are made. */
function assertMovable(state: UnionState, node: UnionNode): void {
  if (node.dirs === undefined || state.stack.features.redirectDir === 'on') return;
  if (!inUpper(state, node) || node.dirs.length > 1) throw fsError(EXDEV, 'rename', node.name);
}

function move(state: UnionState, source: Side, target: Side): void {
  const moved = source.node!;
  const replaced = target.node;
  if (replaced !== undefined) assertReplaceable(state, moved, replaced);
  const fromDir = ensureUpper(state, source.parent);
  const toDir = ensureUpper(state, target.parent);
  prepareMoved(state, moved, { at: source, dir: fromDir, to: target });
  if (source.parent !== target.parent && isImpureNode(state, source.parent)) setImpure(state, target.parent);
  // Last: what was refused before must leave the replaced object as it was.
  const alias = replaced !== undefined && prepareReplaced(state, replaced, toDir, target.name);
  let done = false;
  try {
    moveInUpper(state, { ...source, dir: fromDir }, { ...target, dir: toDir });
    done = true;
    if (source.covered) state.noteChange('whiteout', source);
  } finally {
    if (!done && replaced?.isDirectory === false) undoRemoval(state, replaced, { alias });
  }
  if (replaced !== undefined) {
    if (replaced.isDirectory) {
      replaced.removed = true;
      state.nodes.keeper?.note(replaced);
      state.nodes.unindex(replaced);
    } else {
      forgetName(state, replaced);
    }
  }
  settle(state, moved, { to: target.parent, name: target.name, dir: toDir });
  if (replaced !== undefined) state.release(replaced);
}

/** Leaves a whiteout at the old name where a lower shows it. */
function moveInUpper(
  state: UnionState,
  source: Side & { readonly dir: RealDirectory },
  target: Side & { readonly dir: RealDirectory },
): void {
  replaceDotWhiteout(state.stack, target.dir, target.name);
  const renamed = (flags: number): number =>
    renameat2(
      state.stack.descriptor(source.dir),
      source.name,
      state.stack.descriptor(target.dir),
      target.name,
      flags,
    );
  // A directory cannot be renamed over a whiteout: the two change places, and the whiteout stays where one is needed.
  if (source.node!.isDirectory && whiteoutIn(state.stack, target.dir, target.name)) {
    if (source.covered && target.dir.xattrWhiteouts) announceXattrWhiteouts(state.stack, source.dir);
    check(renamed(RENAME_EXCHANGE), 'rename', source.name);
    if (!source.covered)
      check(unlinkat(state.stack.descriptor(source.dir), source.name, 0), 'rename', source.name);
    return;
  }
  if (!source.covered) {
    check(renamed(0), 'rename', source.name);
    return;
  }
  const result = renamed(RENAME_WHITEOUT);
  if (result !== -EINVAL) {
    check(result, 'rename', source.name);
    return;
  }
  // DEVIATION: where upper's file system (another plyfs, overlayfs) leaves no whiteout, a crash between the two shows
  // the object at both names.
  check(renamed(0), 'rename', source.name);
  check(linkWhiteout(state.stack, source.dir, source.name), 'whiteout', source.name);
}

function assertReplaceable(state: UnionState, moved: UnionNode, replaced: UnionNode): void {
  if (moved.isDirectory && !replaced.isDirectory) throw fsError(ENOTDIR, 'rename', replaced.name);
  if (!moved.isDirectory && replaced.isDirectory) throw fsError(EISDIR, 'rename', replaced.name);
  if (replaced.isDirectory && !isEmptyDirectory(state, replaced))
    throw fsError(ENOTEMPTY, 'rename', replaced.name);
}

/**
 * Before something is renamed over `replaced`: what is open stays reachable, leftover whiteouts go.
 * @returns of a file, whether upper has the name.
 */
function prepareReplaced(state: UnionState, replaced: UnionNode, toDir: RealDirectory, name: Name): boolean {
  if (!replaced.isDirectory) return prepareRemoval(state, replaced, toDir, name);
  const top = directoriesOf(replaced)[0]!;
  state.stack.descriptor(top);
  state.stack.cache.pin(top);
  if (inUpper(state, replaced)) dropWhiteouts(state, replaced, top);
  return false;
}

/**
 * The directory shows nothing, but whiteouts in it would refuse the rename. They go in place, once it hides by itself
 * what they hid: should the rename fail or never come, the directory is as it was. One put in its place would lack its
 * mode and attributes (a redirect that was too long left it so).
 */
function dropWhiteouts(state: UnionState, node: UnionNode, top: RealDirectory): void {
  let isBare = true;
  readNames(state.stack, top, () => {
    isBare = false;
  });
  if (isBare) return;
  setOpaque(state, state.stack.descriptor(top), '');
  for (const lower of node.dirs?.slice(1) ?? []) state.stack.cache.drop(lower);
  node.dirs = [top];
  node.contents?.reordered([]);
  const fd = check(
    openat(state.stack.descriptor(top), '.', O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
    'rename',
    node.name,
  );
  try {
    removeContent(fd);
  } finally {
    close(fd);
  }
}

function exchange(state: UnionState, source: Side, target: Side): void {
  const moved = source.node!;
  const other = target.node!;
  copyUpToMove(state, other, { sameParent: source.parent === target.parent });
  const fromDir = ensureUpper(state, source.parent);
  const toDir = ensureUpper(state, target.parent);
  prepareMoved(state, moved, { at: source, dir: fromDir, to: target });
  prepareMoved(state, other, { at: target, dir: toDir, to: source });
  if (isImpureNode(state, source.parent) || isImpureNode(state, target.parent)) {
    setImpure(state, source.parent);
    setImpure(state, target.parent);
  }
  check(
    renameat2(
      state.stack.descriptor(fromDir),
      source.name,
      state.stack.descriptor(toDir),
      target.name,
      RENAME_EXCHANGE,
    ),
    'rename',
    source.name,
  );
  settle(state, moved, { to: target.parent, name: target.name, dir: toDir });
  settle(state, other, { to: source.parent, name: source.name, dir: fromDir });
}

/** The node lies in upper under its new name. */
function settle(
  state: UnionState,
  node: UnionNode,
  move: {
    readonly to: UnionNode;
    readonly name: Name;
    readonly dir: RealDirectory;
  },
): void {
  const { to, name, dir } = move;
  const known = node.parent;
  moveNode(state, node, to, name);
  const own = node.dirs?.[0];
  if (own !== undefined) {
    own.parent = dir;
    own.name = name;
  }
  // A file of several names may be known by another directory than the one that it leaves.
  if (known !== undefined && known !== to) state.release(known);
}

/** Before the object moves: its name exists in upper, and says where its lower parts are, or that it has none. */
function prepareMoved(
  state: UnionState,
  node: UnionNode,
  move: { readonly at: Side; readonly dir: RealDirectory; readonly to: Side },
): void {
  const { at, dir, to } = move;
  if (node.indexName !== undefined && !state.stack.statName(dir, at.name, found)) {
    linkUp(state, node, state.stack.descriptor(dir), at.name);
    setImpure(state, at.parent);
  }
  const hasLower = node.data !== undefined || (node.dirs?.length ?? 1) > 1;
  if (hasLower) setRedirect(state, node, { sameParent: at.parent === to.parent });
  else if (node.isDirectory && to.covered) setOpaque(state, state.stack.descriptor(dir), at.name);
}
