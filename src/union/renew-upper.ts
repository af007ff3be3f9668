/**
 * What upper holds becomes a layer while the union is served, and an empty upper takes its place: for snapshots.
 *
 * No node gets another id, nothing shows another name or attribute, so the kernel is told nothing. A file that may be written to
 * through what is open of it now goes to the new upper as it is, and the layer keeps a copy: an inode that the kernel writes
 * to by itself cannot be exchanged under those who have it open.
 *
 * PRECONDITION: no request is being answered, and no name leads to a copy through the index alone (archive/tree/link-copies.ts).
 * INVARIANT: what can fail for want of room or rights comes before the first change of a node.
 */

import { check } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import {
  AT_EMPTY_PATH,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  S_IFMT,
  S_IFREG,
  STATX_BASIC_STATS,
} from '../linux/constants.js';
import { linkat, renameat2, unlinkat } from '../linux/files/directory.js';
import { isOpenForWriting } from '../linux/files/lease.js';
import { close, openat } from '../linux/files/open.js';
import { Statx, statx } from '../linux/files/statx.js';
import { copyData, tryClone } from '../realfs/copy-data.js';
import { utimesAt } from '../realfs/real-object.js';
import { displayName, type Name } from '../vfs/name.js';
import { ensureUpper, keepingTimes } from './copy-up/copy-up.js';
import { setCopyAttributes } from './copy-up/copy-up-object.js';
import { recordAssociations } from './form/association.js';
import { Temporary } from './form/temporary.js';
import { WorkDirectory } from './form/work-directory.js';
import { setImpure } from './nodes/impure.js';
import { keepCtime } from './nodes/kept-ctime.js';
import { directoriesOf, type UnionNode } from './nodes/node.js';
import { timesOfStat } from './nodes/pending-copies.js';
import { isProgramCode } from './nodes/program-code.js';
import type { UnionState } from './nodes/union-state.js';
import { copiesNamedByLowers, openIndex } from './stack/index-directory.js';
import { Layer, type RealDirectory } from './stack/layer.js';
import { statDescriptor } from './stack/layer-stack.js';
import { readNames } from './stack/read-names.js';

export interface NextUpper {
  /** A directory beside upper, or below a directory beside it, with an `upper` that has the attributes of its root, and a `work`; both empty. */
  readonly name: Name;
  /** Where upper will lie when it has become a layer. */
  readonly layerPath: Name;
}

/** A file that stays in upper, and what the layer has in its place. */
interface StayingFile {
  readonly node: UnionNode;
  readonly copy: Temporary;
}

const before = new Statx();
const after = new Statx();

/**
 * @returns false while a copy-up is under way: later, then.
 * @throws UserError, FsError; nothing is changed then.
 */
export function renewUpper(state: UnionState, root: UnionNode, next: NextUpper): boolean {
  const { stack } = state;
  const { upper, work, index } = stack;
  if (upper === undefined || work === undefined) throw new UserError('the mount has no upper');
  if (!state.pendingCopies.isEmpty || copiesNamedByLowers(stack).size > 0) return false;
  state.pendingCopies.restoreAll();
  const staying: StayingFile[] = [];
  let parts: NewParts;
  try {
    for (const node of mayBeWritten(state, upper)) staying.push({ node, copy: copyOf(state, node) });
    parts = openParts(state, upper, next.name);
  } catch (error) {
    for (const { copy } of staying) copy.discard();
    throw error;
  }
  if (index !== undefined) emptyIndex(state, index);
  upper.path = next.layerPath;
  stack.push(parts);
  for (const node of state.nodes.table.values()) if (node.layer === upper) forgetUpper(node);
  raiseRoot(state, root, parts.upper);
  for (const one of staying) stay(state, one, { work });
  state.changes++;
  work.close();
  return true;
}

interface NewParts {
  readonly upper: Layer;
  readonly work: WorkDirectory;
  readonly index: RealDirectory | undefined;
}

/** Opened from upper, since what lies in another mount, be it a clone, can have no links with it. */
function openParts(state: UnionState, old: Layer, name: Name): NewParts {
  const { stack } = state;
  const from = stack.descriptor(old.root);
  const rootFd = check(openat(from, `../${name}/upper`, O_PATH | O_DIRECTORY), 'open', name);
  const workFd = check(openat(from, `../${name}/work`, O_RDONLY | O_DIRECTORY), 'open', name);
  const { path, dev, inodeBase, uuid, hasHandles, gate, override } = old;
  check(statx(rootFd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, after), 'statx', name);
  if (after.dev !== dev) throw new UserError('the new upper lies on another file system');
  const upper = new Layer({
    index: 0,
    writable: true,
    path,
    rootFd,
    dev,
    inodeBase,
    uuid,
    hasHandles,
    gate,
    override,
  });
  const mode = state.callerIds.enabled ? 0 : 0o700;
  const index = stack.index === undefined ? undefined : openIndex(workFd, upper, mode);
  const { whiteout: whiteoutAttribute } = stack.xattrs;
  const work = new WorkDirectory(workFd, { whiteoutAttribute, mode, marksVolatile: false });
  if (index !== undefined) {
    const rootOf = ({ root, hasHandles: has }: Layer) => ({ fd: root.fd, hasHandles: has });
    recordAssociations({ upper: rootOf(upper), indexFd: index.fd, top: rootOf(old) }, stack.xattrs);
  }
  return { upper, work, index };
}

/** Files of upper that what is open now may write to, or must see written. */
function mayBeWritten(state: UnionState, upper: Layer): UnionNode[] {
  return [...state.nodes.table.values()].filter((node) => {
    const { openState } = node;
    if (node.layer !== upper || openState === undefined || node.data !== undefined) return false;
    if ((node.mode & S_IFMT) !== S_IFREG || node.removed || node.orphanFd >= 0) return false;
    if (openState.openCount > 0 && openState.writers > 0) return true;
    if (openState.openCount > 0 && openState.isBacked) return !isProgramCode(state, node);
    return openState.mayBeMapped && isMapped(state, node);
  });
}

/** A map of a backing file outlives all opens, without a word to us. */
function isMapped(state: UnionState, node: UnionNode): boolean {
  const fd = state.objects.open(node, O_RDONLY);
  try {
    return isOpenForWriting(fd);
  } finally {
    close(fd);
  }
}

/** @throws UserError for a file that has names of which nothing is known here. */
function copyOf(state: UnionState, node: UnionNode): Temporary {
  const source = new Statx();
  state.objects.statNode(node, source);
  const names = source.nlink - (node.indexName === undefined ? 0 : 1);
  if (names > 1) {
    throw new UserError(`'${displayName(node.path())}' is open, and has ${names} names`, {
      hint: 'close it first',
    });
  }
  const { temporary, fd } = Temporary.file(state.stack.work!);
  try {
    const from = state.objects.open(node, O_RDONLY);
    try {
      if (!tryClone(from, fd)) check(copyData(from, fd, source.sizeBytes), 'copy', node.name);
    } finally {
      close(from);
    }
    setCopyAttributes(state, { node, temporary, source });
    return temporary;
  } catch (error) {
    temporary.discard();
    throw error;
  } finally {
    temporary.closeFile(fd);
  }
}

/** Each copy has all its names in upper: a link in the index would only be counted. */
function emptyIndex(state: UnionState, index: RealDirectory): void {
  const names: Name[] = [];
  readNames(state.stack, index, (name) => names.push(name));
  for (const name of names) check(unlinkat(index.fd, name, 0), 'unlink', 'index');
}

/** What is known of an object because it lies in upper. */
function forgetUpper(node: UnionNode): void {
  node.impure = undefined;
  node.mayBePure = true;
  node.pureNames = undefined;
  node.redirect = undefined;
  node.indexName = undefined;
  node.nlinkDelta = 0;
}

/** The root of the union has the new upper on top; it shows what it did. */
function raiseRoot(state: UnionState, root: UnionNode, upper: Layer): void {
  state.objects.statNode(root, before);
  check(statDescriptor(upper.root.fd, after), 'statx', upper.path);
  const { ino } = root;
  state.nodes.unindex(root);
  directoriesOf(root).unshift(upper.root);
  root.layer = upper;
  root.realIno = after.ino;
  root.ino = ino;
  root.keptCtime = keepCtime(root.keptCtime, before, after);
  state.nodes.index(root, 'object');
  // Its entries tell by number in which of the directories they lie.
  root.contents?.reordered([]);
}

/** The file gets its name in the new upper, and the copy takes its place in the layer. */
function stay(state: UnionState, { node, copy }: StayingFile, old: { readonly work: WorkDirectory }): void {
  const { stack } = state;
  const parent = node.parent!;
  const directory = ensureUpper(state, parent);
  const home = state.objects.homeOf(node);
  const source = new Statx();
  state.objects.statNode(node, source);
  // In this order: after a crash the layer and upper have no inode in common.
  const next = stack.work!;
  const waiting = next.temporaryName();
  check(linkat(stack.descriptor(home), node.name, next.fd, waiting, 0), 'link', node.name);
  replaceByCopy(state, { home, name: node.name, copy }, old.work);
  keepingTimes(state, parent, () => {
    setImpure(state, parent);
    check(renameat2(next.fd, waiting, stack.descriptor(directory), node.name, 0), 'rename', node.name);
  });
  state.nodes.unindex(node);
  const { ino } = node;
  node.layer = stack.upper!;
  node.ino = ino;
  state.nodes.index(node, 'object');
  node.isProgram = undefined;
  state.objects.statNode(node, after);
  node.keptCtime = keepCtime(node.keptCtime, source, after);
  parent.contents?.changed(node.name, { type: node.mode >>> 12, ino: node.realIno, source: 0 });
}

function replaceByCopy(
  state: UnionState,
  at: { readonly home: RealDirectory; readonly name: Name; readonly copy: Temporary },
  work: WorkDirectory,
): void {
  const fd = state.stack.descriptor(at.home);
  check(statDescriptor(fd, before), 'statx', at.name);
  const name = work.temporaryName();
  check(at.copy.publish(work.fd, name), 'link', at.name);
  check(renameat2(work.fd, name, fd, at.name, 0), 'rename', at.name);
  utimesAt(fd, '', timesOfStat(before));
}
