/**
 * Opens layers, upper and work directory by their paths and makes the union of them.
 */

import { check } from '../errno/fs-error.js';
import type { CallerIds } from '../files/caller-ids.js';
import type { HeldDescriptors } from '../files/held-descriptors.js';
import { AT_EMPTY_PATH, AT_FDCWD, O_DIRECTORY, O_PATH, STATX_BASIC_STATS } from '../linux/constants.js';
import { clonePrivate } from '../linux/mount.js';
import { close, openat } from '../linux/open.js';
import { fstatfs, StatFsResult } from '../linux/statfs.js';
import { Statx, statx } from '../linux/statx.js';
import type { InodeNumbers } from '../vfs/inode-numbers.js';
import type { Name } from '../vfs/name.js';
import { PrivateXattrs, type XattrNamespace } from './format.js';
import { dropOrphans, openIndex } from './index-directory.js';
import { Layer } from './layer.js';
import { type AccessTimes, openUpper } from './open-upper.js';
import { fileSystemUuid } from './origin.js';
import { overrideAttribute } from './override-stat.js';
import { PendingCopies } from './pending-copies.js';
import { UnionFileSystem } from './union-file-system.js';
import { type LayerPassthrough, UnionState } from './union-state.js';
import { WorkDirectory } from './work-directory.js';

export interface UnionOptions {
  /** Absolute paths, bottom first. */
  readonly layers: readonly Name[];
  /** The same of layers of data alone, topmost first. */
  readonly dataLayers?: readonly Name[];
  readonly upper: Name | undefined;
  /** Present exactly when `upper` is. */
  readonly work: Name | undefined;
  readonly readOnly: boolean;
  readonly volatile: boolean;
  readonly accessTimes: AccessTimes;
  readonly passthrough: LayerPassthrough;
  readonly xattrNamespace: XattrNamespace;
  /** Heed the forms of fuse-overlayfs too: see fuse-overlayfs-form.ts. */
  readonly readsFuseOverlayfs?: boolean;
  /** CAP_SYS_ADMIN: private mounts, callers' ids. */
  readonly privileged: boolean;
  /** Shared with what is mounted over the union. */
  readonly inodeNumbers: InodeNumbers;
  readonly callerIds: CallerIds;
  /** How many directory descriptors may stay open. */
  readonly descriptorLimit: number;
  readonly held: HeldDescriptors;
}

/** @throws FsError when something cannot be opened. */
export function openUnion(options: UnionOptions): UnionFileSystem {
  const numbers = options.inodeNumbers;
  const paths = [...options.layers].reverse();
  const layers: Layer[] = [];
  const override = options.readsFuseOverlayfs === true;
  let workFd: number | undefined;
  if (options.upper !== undefined && options.work !== undefined) {
    const times = options.privileged ? options.accessTimes : undefined;
    const opened = openUpper(options.upper, options.work, times);
    layers.push(layerOf(options.upper, { rootFd: opened.upperFd, writable: true, override }, numbers, 0));
    workFd = opened.workFd;
  }
  for (const path of paths) layers.push(openLowerLayer(path, options, layers.length));
  const dataLayers = (options.dataLayers ?? []).map((path, at) =>
    openLowerLayer(path, options, layers.length + at),
  );
  const upper = layers[0];
  // As overlayfs has it. Who has no privileges could not use it himself.
  const mode = options.callerIds.enabled ? 0 : 0o700;
  const index =
    workFd === undefined || upper === undefined || options.readOnly
      ? undefined
      : openIndex(workFd, upper, mode);
  const xattrs = new PrivateXattrs(options.xattrNamespace, options.readsFuseOverlayfs);
  const state = new UnionState({
    layers,
    dataLayers,
    index,
    work:
      workFd === undefined
        ? undefined
        : new WorkDirectory(workFd, { whiteoutAttribute: xattrs.whiteout, mode }),
    xattrs,
    readsFuseOverlayfs: override,
    callerIds: options.callerIds,
    pendingCopies: new PendingCopies(),
    readOnly: options.readOnly,
    volatile: options.volatile,
    passthrough: options.passthrough,
    descriptorLimit: options.descriptorLimit,
    held: options.held,
  });
  dropOrphans(state);
  return new UnionFileSystem(state);
}

/** Through a read-only, noatime clone of its mount where privileges allow. */
function openLower(path: Name, privileged: boolean): number {
  const rootFd = check(openat(AT_FDCWD, path, O_PATH | O_DIRECTORY), 'open', path);
  if (!privileged) return rootFd;
  const clone = clonePrivate(rootFd, true);
  if (clone < 0) return rootFd;
  close(rootFd);
  return clone;
}

/** A layer as lower, `index` from the top. */
export function openLowerLayer(
  path: Name,
  options: Pick<UnionOptions, 'privileged' | 'inodeNumbers' | 'readsFuseOverlayfs'>,
  index: number,
): Layer {
  const rootFd = openLower(path, options.privileged);
  return layerOf(
    path,
    { rootFd, writable: false, override: options.readsFuseOverlayfs === true },
    options.inodeNumbers,
    index,
  );
}

export function layerOf(
  path: Name,
  opened: { readonly rootFd: number; readonly writable: boolean; readonly override?: boolean },
  numbers: InodeNumbers,
  index: number,
): Layer {
  const stat = new Statx();
  check(statx(opened.rootFd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, stat), 'statx', path);
  return new Layer({
    index,
    writable: opened.writable,
    path,
    rootFd: opened.rootFd,
    dev: stat.dev,
    inodeBase: numbers.base(stat.dev),
    uuid: fileSystemUuid(opened.rootFd),
    hasHandles: !isFuse(opened.rootFd),
    override: opened.override === true ? overrideAttribute(opened.rootFd) : undefined,
  });
}

/** Linux: include/uapi/linux/magic.h:FUSE_SUPER_MAGIC. */
const FUSE_SUPER_MAGIC = 0x65735546;

/** Handles there hold node ids, which are given out anew at each mount. */
function isFuse(fd: number): boolean {
  const found = new StatFsResult();
  check(fstatfs(fd, found), 'statfs');
  return found.type === FUSE_SUPER_MAGIC;
}
