/**
 * The index: files of a lower that have several names there stay one file after copy-up.
 *
 * `index` in the workdir holds, under the hexadecimal form of the lower file's origin record, a link to its copy in
 * upper; a name that still lies in the lower finds the copy there. The `nlink` xattr of the copy says how many names
 * the union shows beyond those that its inode has: 'U' and a signed number. Linux: fs/overlayfs/namei.c:
 * ovl_get_index_name(), util.c:ovl_nlink_start() v6.18.
 */

import { EEXIST } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../linux/constants.js';
import { linkat, mkdirat, unlinkat } from '../linux/directory.js';
import { openat } from '../linux/open.js';
import { setxattrAt } from '../linux/xattr.js';
import type { Name } from '../vfs/name.js';
import { type Layer, RealDirectory } from './layer.js';
import { readNames } from './listing.js';
import { readMark } from './marks.js';
import type { UnionNode } from './node.js';
import { originInode, originRecord } from './origin.js';
import type { UnionState } from './union-state.js';
import { closeToOthers } from './work-directory.js';

/** Opens `index` below the workdir, and makes it where it is missing. */
export function openIndex(workdirFd: number, upper: Layer, mode: number): RealDirectory {
  const made = mkdirat(workdirFd, 'index', 0o700);
  if (made !== -EEXIST) check(made, 'mkdir', 'index');
  const index = new RealDirectory(upper, undefined, 'index');
  index.fd = check(openat(workdirFd, 'index', O_PATH | O_DIRECTORY | O_NOFOLLOW), 'open', 'index');
  index.pinned = true;
  if (made !== -EEXIST) closeToOthers(index.fd, mode);
  return index;
}

/** The name under which the index has the copy of a lower file; undefined where its file system has no handles. */
export function indexNameOf(state: UnionState, dir: RealDirectory, name: Name): Name | undefined {
  if (state.index === undefined || !dir.layer.hasHandles) return undefined;
  return originRecord(state.descriptor(dir), name, dir.layer.uuid)?.toString('hex');
}

/** Reads how the number of names of the copy differs from its inode's; PRECONDITION: `node.indexName`. */
export function readNlinkDelta(state: UnionState, node: UnionNode, lowerNlink: number): void {
  const index = state.index!;
  const text = readMark(index.fd, node.indexName!, state.xattrs.nlink);
  const difference = Number.parseInt(text.slice(1), 10);
  if (Number.isNaN(difference)) return;
  if (text.startsWith('U')) node.nlinkDelta = difference;
  else if (text.startsWith('L') && state.statName(index, node.indexName!, state.other)) {
    node.nlinkDelta = lowerNlink + difference - state.other.nlink;
  }
}

/** Reported inode numbers of the copies that have names which upper lacks: names of a lower lead to them by the index. */
export function copiesNamedByLowers(state: UnionState): Set<number> {
  const found = new Set<number>();
  const { index } = state;
  if (index === undefined) return found;
  readNames(state, index, (name) => {
    const text = readMark(index.fd, name, state.xattrs.nlink);
    // The index itself is one of the inode's names.
    if (text.startsWith('U') && Number.parseInt(text.slice(1), 10) < 0) return;
    const record = Buffer.from(name, 'hex');
    const ino = record.length > 0 ? originInode(state, record) : undefined;
    if (ino !== undefined) found.add(ino);
  });
  return found;
}

/**
 * At mount: takes away what no name leads to any more, since names went while nobody watched (in upper, offline).
 * Linux: fs/overlayfs/readdir.c:ovl_indexdir_cleanup() v6.18.
 */
export function dropOrphans(state: UnionState): void {
  const { index } = state;
  if (index === undefined) return;
  const orphans: Name[] = [];
  readNames(state, index, (name) => {
    const text = readMark(index.fd, name, state.xattrs.nlink);
    const difference = Number.parseInt(text.slice(1), 10);
    if (!text.startsWith('U') || !state.statName(index, name, state.other)) return;
    if (state.other.nlink + difference <= 0) orphans.push(name);
  });
  for (const name of orphans) check(unlinkat(index.fd, name, 0), 'unlink', 'index');
}

/** Writes the difference before the names change: a crash between shows a wrong count, never a lost file. */
export function setNlinkDelta(state: UnionState, node: UnionNode, delta: number): void {
  writeNlinkDelta(state, state.index!.fd, node.indexName!, delta);
  node.nlinkDelta = delta;
}

export function writeNlinkDelta(state: UnionState, dirfd: number, name: Name, delta: number): void {
  const value = Buffer.from(`U${delta < 0 ? '' : '+'}${delta}`);
  check(setxattrAt(dirfd, name, state.xattrs.nlink, value, 0), 'setxattr', 'nlink');
}

/** A name that lies in the lower only gets its link in upper, so that it can be renamed. */
export function linkUp(state: UnionState, node: UnionNode, upperFd: number, name: Name): void {
  setNlinkDelta(state, node, node.nlinkDelta - 1);
  check(linkat(state.index!.fd, node.indexName!, upperFd, name, 0), 'link', name);
}

/** Takes the index entry away when the union shows no name any more. PRECONDITION: the file has an `orphanFd`, or needs none. */
export function dropIndexEntry(state: UnionState, node: UnionNode): void {
  check(unlinkat(state.index!.fd, node.indexName!, 0), 'unlink', 'index');
  node.indexName = undefined;
}
