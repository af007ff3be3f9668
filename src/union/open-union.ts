/**
 * Opens layers, upper and work directory by their paths and makes the union of them.
 */

import { check } from '../errno/fs-error.js';
import type { CallerIds } from '../files/caller-ids.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  STATX_BASIC_STATS,
} from '../linux/constants.js';
import { clonePrivate } from '../linux/mount.js';
import { close, openat } from '../linux/open.js';
import { Statx, statx } from '../linux/statx.js';
import type { InodeNumbers } from '../vfs/inode-numbers.js';
import type { Name } from '../vfs/name.js';
import { PrivateXattrs, type XattrNamespace } from './format.js';
import { openIndex } from './index-directory.js';
import { Layer } from './layer.js';
import { fileSystemUuid } from './origin.js';
import { PendingCopies } from './pending-copies.js';
import { UnionFileSystem } from './union-file-system.js';
import { UnionState } from './union-state.js';
import { WorkDirectory } from './work-directory.js';

export interface UnionOptions {
  /** Absolute paths, bottom first. */
  readonly layers: readonly Name[];
  readonly upper: Name | undefined;
  readonly work: Name | undefined;
  readonly readOnly: boolean;
  readonly volatile: boolean;
  /** See UnionParts. */
  readonly coherent: boolean;
  readonly xattrNamespace: XattrNamespace;
  /** CAP_SYS_ADMIN: private mounts, callers' ids. */
  readonly privileged: boolean;
  /** Shared with what is mounted over the union. */
  readonly inodeNumbers: InodeNumbers;
  readonly callerIds: CallerIds;
  /** How many directory descriptors may stay open. */
  readonly descriptorLimit: number;
}

/** @throws FsError when something cannot be opened. */
export function openUnion(options: UnionOptions): UnionFileSystem {
  const layers = openLayers(options);
  const workFd =
    options.work === undefined
      ? undefined
      : check(openat(AT_FDCWD, options.work, O_RDONLY | O_DIRECTORY), 'open', options.work);
  const upper = layers[0];
  const index =
    workFd === undefined || upper === undefined || options.readOnly ? undefined : openIndex(workFd, upper);
  const state = new UnionState({
    layers,
    index,
    work: workFd === undefined ? undefined : new WorkDirectory(workFd),
    xattrs: new PrivateXattrs(options.xattrNamespace),
    callerIds: options.callerIds,
    pendingCopies: new PendingCopies(),
    readOnly: options.readOnly,
    volatile: options.volatile,
    coherent: options.coherent,
    descriptorLimit: options.descriptorLimit,
  });
  return new UnionFileSystem(state);
}

/** Topmost first. @throws FsError when one cannot be opened. */
export function openLayers(
  options: Pick<UnionOptions, 'layers' | 'upper' | 'privileged' | 'inodeNumbers'>,
): Layer[] {
  const numbers = options.inodeNumbers;
  const layers: Layer[] = [];
  if (options.upper !== undefined)
    layers.push(openLayer(options.upper, { ...options, writable: true }, numbers, 0));
  for (const path of options.layers.toReversed()) {
    layers.push(openLayer(path, { ...options, writable: false }, numbers, layers.length));
  }
  return layers;
}

/**
 * A lower is opened through a read-only, noatime clone of its mount where privileges allow. Upper is not: a rename
 * between two clones of one mount is EXDEV, and the work directory has to be on the same.
 */
function openLayer(
  path: Name,
  options: { readonly writable: boolean; readonly privileged: boolean },
  numbers: InodeNumbers,
  index: number,
): Layer {
  const stat = new Statx();
  let rootFd = check(openat(AT_FDCWD, path, O_PATH | O_DIRECTORY), 'open', path);
  if (!options.writable && options.privileged) {
    const clone = clonePrivate(rootFd, true);
    if (clone >= 0) {
      close(rootFd);
      rootFd = clone;
    }
  }
  check(statx(rootFd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, stat), 'statx', path);
  return new Layer({
    index,
    writable: options.writable,
    path,
    rootFd,
    dev: stat.dev,
    inodeBase: numbers.base(stat.dev),
    uuid: fileSystemUuid(rootFd),
  });
}
