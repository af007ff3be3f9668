/**
 * The union of a container or an image as this process reads it, without a mount: for commit, export and save.
 */

import { ENOENT } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../linux/constants.js';
import { close, openat } from '../linux/files/open.js';
import { CAP_SYS_ADMIN, hasCapability } from '../linux/process/process.js';
import { CallerIds } from '../realfs/caller-ids.js';
import { InodeNumbers } from '../vfs/inode-numbers.js';
import type { Name } from '../vfs/name.js';
import { PrivateXattrs } from './form/overlay-xattrs.js';
import { xattrNamespaceHere } from './form/xattr-namespace.js';
import { UnionState } from './nodes/union-state.js';
import { layerOf, openLowerLayer } from './open-union.js';
import { type Layer, RealDirectory } from './stack/layer.js';
import { LayerStack } from './stack/layer-stack.js';
import { UnionFileSystem } from './union-file-system.js';

export interface ViewOptions {
  /** Absolute paths, bottom first. */
  readonly layers: readonly Name[];
  /** Absent: the layers alone. Both stay as they are, also while a mount uses them. */
  readonly upper?: { readonly path: Name; readonly work: Name };
}

const DESCRIPTORS = 256;

/** Read-only; `detach()` closes it. @throws FsError when something cannot be opened. */
export function openView(options: ViewOptions): UnionFileSystem {
  const state = new UnionState({
    stack: openStack(options),
    callerIds: new CallerIds({ enabled: false }),
    readOnly: true,
    passthrough: 'all',
    volatile: false,
  });
  return new UnionFileSystem(state);
}

/** The layers without a union over them: for walk-layers.ts. The caller closes it. @throws FsError as `openView()` */
export function openStack({ layers: paths, upper }: ViewOptions): LayerStack {
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
  return new LayerStack({
    layers,
    dataLayers: [],
    index: upper === undefined ? undefined : existingIndex(upper.work, layers[0]!),
    work: undefined,
    xattrs: new PrivateXattrs(xattrNamespaceHere()),
    descriptorLimit: DESCRIPTORS,
  });
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
