/**
 * Directories of upper that hold copied-up objects are marked `impure`, so that others need not be asked for origins.
 * Linux: fs/overlayfs/readdir.c:ovl_cache_get_impure(), util.c:ovl_set_impure() v6.18.
 */

import { check, FsError } from '../../errno/fs-error.js';
import { Statx } from '../../linux/files/statx.js';
import { getxattrAt, removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import type { Name } from '../../vfs/name.js';
import { readMarks } from '../form/marks.js';
import { MARK_METACOPY, MARK_NLINK, MARK_ORIGIN, MARK_REDIRECT } from '../form/overlay-xattrs.js';
import type { RealDirectory } from '../stack/layer.js';
import { keepCtime } from './kept-ctime.js';
import { directoriesOf, type UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

const MARKS_OF_COPY = MARK_ORIGIN | MARK_REDIRECT | MARK_METACOPY | MARK_NLINK;

const before = new Statx();
const after = new Statx();
const value = Buffer.alloc(8);

/** Whether the directory of upper behind the node holds copied-up objects. */
export function isImpureNode(state: UnionState, node: UnionNode): boolean {
  const top = directoriesOf(node)[0]!;
  return top.layer === state.stack.upper && isImpure(state, node, top);
}

function isImpure(state: UnionState, node: UnionNode, upper: RealDirectory): boolean {
  if (node.impure !== undefined) return node.impure;
  const fd = state.stack.descriptor(upper);
  const length = getxattrAt(fd, '', state.stack.xattrs.impure, value);
  node.impure = length === 1 && value[0] === 0x79;
  return node.impure;
}

/** Marks a directory of upper as holding copied-up objects. */
export function setImpure(state: UnionState, node: UnionNode): void {
  node.mayBePure = false;
  node.pureNames = undefined;
  if (node.impure === true) return;
  const upper = directoriesOf(node)[0]!;
  check(
    setxattrAt(state.stack.descriptor(upper), '', state.stack.xattrs.impure, Buffer.from('y'), 0),
    'setxattr',
    'impure',
  );
  node.impure = true;
}

/** Names that are looked at to spare work later: some 2 us each. */
const MOST_LOOKED_AT = 1024;

/**
 * After the listing of a directory was read: takes the mark away where nothing in it is a copy any more, at once or, where
 * upper may be frozen, as soon as it takes changes: who lists does not wait.
 * Linux: fs/overlayfs/readdir.c:ovl_cache_get_impure() v6.18, likewise of directories that lie in upper alone.
 */
export function dropImpure(state: UnionState, node: UnionNode, names: readonly Name[]): void {
  const dirs = directoriesOf(node);
  if (dirs.length > 1 || !node.mayBePure || !isImpureNode(state, node)) return;
  node.mayBePure = false;
  const fd = state.stack.descriptor(dirs[0]!);
  if (names.length > MOST_LOOKED_AT || names.some((name) => mayBeCopy(state, fd, name))) return;
  node.pureNames = names;
  state.gate?.whenOpen(state.files.session, () => {
    // No copy came, and the directory is still known and has its name.
    if (node.pureNames === names && state.nodes.table.find(node.id) === node && !node.removed)
      dropMark(state, node);
  });
}

/** Only spares work: where the mark cannot be taken away (an upper that became read-only), it stays. */
function dropMark(state: UnionState, node: UnionNode): void {
  try {
    const upper = directoriesOf(node)[0]!;
    state.objects.statNode(node, before);
    if (removexattrAt(state.stack.descriptor(upper), '', state.stack.xattrs.impure) < 0) return;
    state.objects.statNode(node, after);
    node.keptCtime = keepCtime(node.keptCtime, before, after);
    node.impure = false;
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
  }
}

function mayBeCopy(state: UnionState, dirfd: number, name: Name): boolean {
  try {
    return (readMarks(state.stack.xattrs, dirfd, name) & MARKS_OF_COPY) !== 0;
  } catch (error) {
    // Whoever looks it up gets the error; the others are listed.
    if (error instanceof FsError) return true;
    throw error;
  }
}
