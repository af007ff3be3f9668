/** The index: files of a lower that have several names there stay one file after copy-up. See form/index-entry.ts. */

import { EEXIST } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../../linux/constants.js';
import { mkdirat, unlinkat } from '../../linux/files/directory.js';
import { openat } from '../../linux/files/open.js';
import { Statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';
import { readNlinkDelta } from '../form/index-entry.js';
import { originRecord } from '../form/origin.js';
import { closeToOthers } from '../form/work-directory.js';
import { originInode } from './find-origin.js';
import { type Layer, RealDirectory } from './layer.js';
import type { LayerStack } from './layer-stack.js';
import { readNames } from './read-names.js';

const found = new Statx();

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
export function indexNameOf(stack: LayerStack, dir: RealDirectory, name: Name): Name | undefined {
  if (stack.index === undefined || !dir.layer.hasHandles) return undefined;
  return originRecord(stack.descriptor(dir), name, dir.layer.uuid)?.toString('hex');
}

/** Reported inode numbers of the copies that have names which upper lacks: names of a lower lead to them by the index. */
export function copiesNamedByLowers(stack: LayerStack): Set<number> {
  const numbers = new Set<number>();
  const { index } = stack;
  if (index === undefined) return numbers;
  readNames(stack, index, (name) => {
    const delta = readNlinkDelta(stack.xattrs, index.fd, name);
    // The index itself is one of the inode's names.
    if (delta?.of === 'upper' && delta.difference < 0) return;
    const record = Buffer.from(name, 'hex');
    const ino = record.length > 0 ? originInode(stack.layers, record) : undefined;
    if (ino !== undefined) numbers.add(ino);
  });
  return numbers;
}

/**
 * At mount: takes away what no name leads to any more, since names went while nobody watched (in upper, offline).
 * Linux: fs/overlayfs/readdir.c:ovl_indexdir_cleanup() v6.18.
 */
export function dropOrphans(stack: LayerStack): void {
  const { index } = stack;
  if (index === undefined) return;
  const orphans: Name[] = [];
  readNames(stack, index, (name) => {
    const delta = readNlinkDelta(stack.xattrs, index.fd, name);
    if (delta?.of !== 'upper' || !stack.statName(index, name, found)) return;
    if (found.nlink + delta.difference <= 0) orphans.push(name);
  });
  for (const name of orphans) check(unlinkat(index.fd, name, 0), 'unlink', 'index');
}
