/**
 * Opens layers, upper and work directory by their paths and makes the union of them.
 */

import { check } from '../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_FDCWD, O_DIRECTORY, O_PATH, STATX_BASIC_STATS } from '../linux/constants.js';
import { close, openat } from '../linux/files/open.js';
import { Statx, statx } from '../linux/files/statx.js';
import { clonePrivate } from '../linux/mounts/mount.js';
import type { CallerIds } from '../realfs/caller-ids.js';
import { readGateOf } from '../realfs/disk/read-gate.js';
import type { HeldDescriptors } from '../realfs/held-descriptors.js';
import type { InodeNumbers } from '../vfs/inode-numbers.js';
import type { Name } from '../vfs/name.js';
import { type RootOfLayer, recordAssociations } from './form/association.js';
import { fileSystemUuid, keepsHandles } from './form/origin.js';
import { PrivateXattrs, type XattrNamespace } from './form/overlay-xattrs.js';
import { overrideAttribute } from './form/override-stat.js';
import type { UnionFeatures } from './form/union-features.js';
import { WorkDirectory } from './form/work-directory.js';
import type { PresentationOptions } from './nodes/presentation.js';
import { type LayerPassthrough, UnionState } from './nodes/union-state.js';
import { dropOrphans, openIndex } from './stack/index-directory.js';
import { Layer } from './stack/layer.js';
import { LayerStack } from './stack/layer-stack.js';
import { type AccessTimes, openUpper } from './stack/open-upper.js';
import { UnionFileSystem } from './union-file-system.js';

interface UnionOptions {
  /** Absolute paths, bottom first. */
  readonly layers: readonly Name[];
  /** The same of layers of data alone, topmost first. */
  readonly dataLayers?: readonly Name[];
  readonly upper: Name | undefined;
  /** Present exactly when `upper` is. */
  readonly work: Name | undefined;
  readonly readOnly: boolean;
  readonly volatile: boolean;
  /** Leave the mark of a volatile mount in the work directory: see form/volatile-mark.ts. */
  readonly marksVolatile?: boolean | undefined;
  /** By default all that the name space of the attributes allows. */
  readonly features?: UnionFeatures | undefined;
  readonly accessTimes: AccessTimes;
  readonly passthrough: LayerPassthrough;
  readonly presentation?: PresentationOptions | undefined;
  /** Others may change the layers meanwhile: see MountConfig.liveLayers. */
  readonly live?: boolean;
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
  const { layers, dataLayers, workFd } = openLayers(options);
  const upper = layers[0];
  // As overlayfs has it. A user without privileges could not use it himself.
  const mode = options.callerIds.enabled ? 0 : 0o700;
  const index =
    workFd === undefined || upper === undefined || options.readOnly || options.features?.index === false
      ? undefined
      : openIndex(workFd, upper, mode);
  const xattrs = new PrivateXattrs(options.xattrNamespace, {
    readsFuseOverlayfs: options.readsFuseOverlayfs,
  });
  const stack = new LayerStack({
    layers,
    dataLayers,
    index,
    work:
      workFd === undefined
        ? undefined
        : new WorkDirectory(workFd, {
            whiteoutAttribute: xattrs.whiteout,
            mode,
            marksVolatile: options.marksVolatile === true,
          }),
    xattrs,
    features: options.features,
    descriptorLimit: options.descriptorLimit,
    held: options.held,
  });
  // Without an index upper does not tell over which layers it was made.
  if (index !== undefined)
    recordAssociations(
      { upper: rootOf(upper!), indexFd: index.fd, top: layers[1] && rootOf(layers[1]) },
      xattrs,
    );
  dropOrphans(stack);
  const state = new UnionState({
    stack,
    callerIds: options.callerIds,
    readOnly: options.readOnly,
    volatile: options.volatile,
    passthrough: options.passthrough,
    presentation: options.presentation,
    live: options.live === true,
  });
  return new UnionFileSystem(state);
}

interface OpenedLayers {
  /** From the topmost down; upper is the first. */
  readonly layers: readonly Layer[];
  readonly dataLayers: readonly Layer[];
  readonly workFd: number | undefined;
}

/** @throws FsError when something cannot be opened. */
function openLayers(options: UnionOptions): OpenedLayers {
  const layers: Layer[] = [];
  let workFd: number | undefined;
  if (options.upper !== undefined && options.work !== undefined) {
    const times = options.privileged ? options.accessTimes : undefined;
    const opened = openUpper(options.upper, options.work, times);
    const parts = {
      rootFd: opened.upperFd,
      writable: true,
      override: options.readsFuseOverlayfs === true,
    };
    layers.push(layerOf(options.upper, parts, options.inodeNumbers, 0));
    workFd = opened.workFd;
  }
  for (const path of options.layers.toReversed()) layers.push(openLowerLayer(path, options, layers.length));
  const dataLayers = (options.dataLayers ?? []).map((path, at) =>
    openLowerLayer(path, options, layers.length + at),
  );
  return { layers, dataLayers, workFd };
}

function rootOf({ root, hasHandles }: Layer): RootOfLayer {
  return { fd: root.fd, hasHandles };
}

/** Through a read-only, noatime clone of its mount where privileges allow. */
function openLower(path: Name, { privileged }: { readonly privileged: boolean }): number {
  const rootFd = check(openat(AT_FDCWD, path, O_PATH | O_DIRECTORY), 'open', path);
  if (!privileged) return rootFd;
  const clone = clonePrivate(rootFd, { readOnly: true });
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
  const rootFd = openLower(path, { privileged: options.privileged });
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
    hasHandles: keepsHandles(opened.rootFd),
    gate: readGateOf(opened.rootFd),
    override: opened.override === true ? overrideAttribute(opened.rootFd) : undefined,
  });
}
