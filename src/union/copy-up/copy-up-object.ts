/**
 * The object of a copy-up before it has its place: made in the work directory, and given the attributes of its original.
 */

import { EACCES, EOPNOTSUPP, EPERM } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../linux/constants.js';
import { mkdirat, mknodat, readlinkat, symlinkat } from '../../linux/files/directory.js';
import type { Statx } from '../../linux/files/statx.js';
import { setxattrAt } from '../../linux/files/xattr.js';
import { chmodAt, chownAt, Place, utimesAt } from '../../realfs/real-object.js';
import { copyXattrs } from '../../realfs/tree-copy/attributes.js';
import { originRecord } from '../form/origin.js';
import { Temporary } from '../form/temporary.js';
import type { UnionNode } from '../nodes/node.js';
import { timesOfStat } from '../nodes/pending-copies.js';
import type { UnionState } from '../nodes/union-state.js';
import { copyInodeFlags } from './copy-inode-flags.js';
import { buildData, buildMetadata } from './copy-up-data.js';
import { CopyUpXattrs } from './copy-xattrs.js';

const at = new Place();

interface Built {
  readonly temporary: Temporary;
  /** The data stays in the lower. */
  readonly lacksData: boolean;
  /** The original before its data was read: without privileges that moves its access time. */
  readonly source: Statx;
}

/**
 * Makes the object; its attributes follow.
 * @param sizeLimit how much of a file's data is wanted; undefined: it may stay where it is.
 * @param source the node's object; kept while a helper thread copies its data.
 * @throws Wait
 */
export function build(
  state: UnionState,
  node: UnionNode,
  sizeLimit: number | undefined,
  source: Statx,
): Built {
  const type = node.mode & S_IFMT;
  if (type === S_IFREG) {
    // A copy of the data that was begun is taken: later it would be mistaken for one made in place.
    const isBegun = state.pendingCopies.get(node) !== undefined;
    if (sizeLimit === undefined && state.stack.features.metacopy && !isBegun) {
      const temporary = buildMetadata(state, node, source);
      if (temporary !== undefined) return { temporary, lacksData: true, source };
    }
    const limit = sizeLimit ?? Number.MAX_SAFE_INTEGER;
    return { ...buildData(state, node, limit, source), lacksData: false };
  }
  const work = state.stack.work!;
  const name = work.temporaryName();
  if (type === S_IFDIR) check(mkdirat(work.fd, name, 0o700), 'copy-up', node.name);
  else if (type === S_IFLNK) {
    state.objects.locate(node, at);
    const content = readlinkat(at.dirfd, at.name);
    if (typeof content === 'number') throw fsError(-content, 'copy-up', node.name);
    check(symlinkat(content, work.fd, name), 'copy-up', node.name);
  } else {
    check(mknodat(work.fd, name, type, source.rdevMajor, source.rdevMinor), 'copy-up', node.name);
  }
  return { temporary: Temporary.inWork(work, name), lacksData: false, source };
}

/** A copy that gets its place last. */
export interface Copy {
  readonly node: UnionNode;
  readonly temporary: Temporary;
  /** The node's object, as it is before. */
  readonly source: Statx;
}

export function setCopyAttributes(state: UnionState, { node, temporary, source }: Copy): void {
  const { dirfd, name } = temporary;
  const type = source.mode & S_IFMT;
  const owned = chownAt(dirfd, name, source.uid, source.gid);
  // Without privileges the copy belongs to the serving user, who is the only one to use the mount.
  if (owned < 0 && state.callerIds.enabled) check(owned, 'chown', node.name);
  state.objects.locate(node, at);
  const xattrs = new CopyUpXattrs(state.stack.xattrs);
  copyXattrs(at, { dirfd, name }, xattrs);
  if (!xattrs.hasMetCapability) node.lacksCapability = true;
  copyInodeFlags(state, node, { dirfd, name });
  const opened = isOpened(state, source.mode) ? OWNER_WRITES : 0;
  if (type !== S_IFLNK) chmodAt(dirfd, name, (source.mode & 0o7777) | opened);
  utimesAt(dirfd, name, timesOfStat(source));
}

export const OWNER_WRITES = 0o300;

/** Whether a directory of this mode has to be opened to its owner while it is filled or moved: root needs no mode. */
export function isOpened(state: UnionState, mode: number): boolean {
  return !state.callerIds.enabled && (mode & S_IFMT) === S_IFDIR && (mode & OWNER_WRITES) !== OWNER_WRITES;
}

/** The copy tells where it came from, where there are words for it. */
export function recordOrigin(state: UnionState, { node, temporary, source }: Copy): void {
  if (!node.layer.hasHandles) return;
  const type = source.mode & S_IFMT;
  if (!state.stack.xattrs.isTrusted && type !== S_IFREG && type !== S_IFDIR) return;
  state.objects.locate(node, at);
  const record = originRecord(at.dirfd, at.name, node.layer.uuid);
  if (record === undefined) return;
  const result = setxattrAt(temporary.dirfd, temporary.name, state.stack.xattrs.origin, record, 0);
  // User attributes are refused on some objects that their owner may not write.
  if (result !== -EPERM && result !== -EACCES && result !== -EOPNOTSUPP) check(result, 'setxattr', 'origin');
}
