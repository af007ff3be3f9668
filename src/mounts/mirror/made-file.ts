/**
 * A file that create(2) or O_TMPFILE has just made, until it has its node. What fails in between leaves no file and no node behind:
 * the kernel, which is told of an error, would go on taking the name for missing.
 */

import { check } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_STATX_DONT_SYNC,
  AT_SYMLINK_NOFOLLOW,
  O_PATH,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { unlinkat } from '../../linux/files/directory.js';
import { close, dup } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { openAt } from '../../realfs/real-object.js';
import type { Name } from '../../vfs/name.js';
import type { MirrorFileSystem } from './mirror-file-system.js';
import { MIRROR_STATX, type MirrorNode, objectIdentity } from './mirror-node.js';

interface MadeFile {
  readonly parent: MirrorNode;
  readonly name: Name;
  /** Open for reading and writing; closed where there is an error. */
  readonly fd: number;
}

/** @throws FsError, EMFILE, ENOMEM: the file is gone then. */
export function nodeOfCreated(mirror: MirrorFileSystem, made: MadeFile): MirrorNode {
  const { parent, name, fd } = made;
  const pathFd = openAt(fd, '', O_PATH);
  try {
    const node = nodeOf(mirror, fd, pathFd);
    mirror.table.setName(node, parent, name);
    mirror.table.adoptPinned(node, pathFd, mirror.user);
    return node;
  } catch (error) {
    takeBack(mirror, made);
    if (pathFd >= 0) close(pathFd);
    throw error;
  }
}

/** @throws FsError, EMFILE, ENOMEM. */
export function nodeOfTmpfile(mirror: MirrorFileSystem, { parent, fd }: MadeFile): MirrorNode {
  const kept = dup(fd);
  try {
    const node = nodeOf(mirror, fd, kept);
    mirror.table.setName(node, parent, '');
    mirror.table.adoptPinned(node, kept, mirror.user);
    node.removed = true;
    return node;
  } catch (error) {
    close(fd);
    if (kept >= 0) close(kept);
    throw error;
  }
}

/** By its descriptor: others may have put something else under its name by now. */
function nodeOf({ table, files, stat }: MirrorFileSystem, fd: number, kept: number): MirrorNode {
  check(kept, 'create');
  check(statx(fd, '', AT_EMPTY_PATH, MIRROR_STATX, stat), 'create');
  const key = objectIdentity(stat);
  const node = table.find(key) ?? table.make(key, files.session);
  if (node.removed) {
    node.removed = false;
    table.noteNamed(node);
  }
  node.mode = stat.mode;
  return node;
}

/** Removes the name, as the caller, unless others have put something else there. */
function takeBack({ table }: MirrorFileSystem, { parent, name, fd }: MadeFile): void {
  const [made, named] = [new Statx(), new Statx()];
  const isThere =
    statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, made) === 0 &&
    statx(parent.fd, name, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, named) === 0 &&
    made.dev === named.dev &&
    made.ino === named.ino;
  if (isThere) unlinkat(table.descriptor(parent), name, 0);
  close(fd);
}
