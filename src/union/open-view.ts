/**
 * The union of a container or an image as this process reads it, without a mount: for commit, export and save.
 */

import { ENOENT } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { CallerIds } from '../files/caller-ids.js';
import { AT_FDCWD, O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../linux/constants.js';
import { close, openat } from '../linux/open.js';
import { CAP_SYS_ADMIN, hasCapability } from '../linux/process.js';
import { InodeNumbers } from '../vfs/inode-numbers.js';
import type { Name } from '../vfs/name.js';
import { PrivateXattrs, type XattrNamespace } from './format.js';
import { type Layer, RealDirectory } from './layer.js';
import { layerOf, openLowerLayer } from './open-union.js';
import { PendingCopies } from './pending-copies.js';
import { UnionFileSystem } from './union-file-system.js';
import { UnionState } from './union-state.js';

export interface ViewOptions {
  /** Absolute paths, bottom first. */
  readonly layers: readonly Name[];
  /** Absent: the layers alone. Both stay as they are, also while a mount uses them. */
  readonly upper?: { readonly path: Name; readonly work: Name };
}

const DESCRIPTORS = 256;

/** The namespace that private attributes of layers and upper have here: as mounts choose it. */
export function xattrNamespaceHere(): XattrNamespace {
  return hasCapability(CAP_SYS_ADMIN) ? 'trusted' : 'user';
}

/** Read-only; `detach()` closes it. @throws FsError when something cannot be opened. */
export function openView({ layers: paths, upper }: ViewOptions): UnionFileSystem {
  const privileged = hasCapability(CAP_SYS_ADMIN);
  const inodeNumbers = new InodeNumbers();
  const layers: Layer[] = [];
  if (upper !== undefined) {
    const rootFd = check(openat(AT_FDCWD, upper.path, O_PATH | O_DIRECTORY), 'open', upper.path);
    layers.push(layerOf(upper.path, { rootFd, writable: true }, inodeNumbers, 0));
  }
  for (const path of paths.toReversed()) {
    layers.push(openLowerLayer(path, { privileged, inodeNumbers }, layers.length));
  }
  const state = new UnionState({
    layers,
    dataLayers: [],
    index: upper === undefined ? undefined : existingIndex(upper.work, layers[0]!),
    work: undefined,
    xattrs: new PrivateXattrs(xattrNamespaceHere()),
    callerIds: new CallerIds(false),
    pendingCopies: new PendingCopies(),
    readOnly: true,
    passthrough: 'all',
    volatile: false,
    descriptorLimit: DESCRIPTORS,
  });
  return new UnionFileSystem(state);
}

function existingIndex(work: Name, upper: Layer): RealDirectory | undefined {
  const workFd = openat(AT_FDCWD, work, O_PATH | O_DIRECTORY);
  if (workFd === -ENOENT) return undefined;
  check(workFd, 'open', work);
  const fd = openat(workFd, 'index', O_PATH | O_DIRECTORY | O_NOFOLLOW);
  close(workFd);
  if (fd === -ENOENT) return undefined;
  const index = new RealDirectory(upper, undefined, 'index');
  index.fd = check(fd, 'open', 'index');
  index.pinned = true;
  return index;
}
