/**
 * The layers of a union, top to bottom, with what belongs to them: work directory, index, the form of their private
 * xattrs, and the descriptors of their directories. It knows objects of layers, and nothing of nodes.
 */

import { check } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_SYMLINK_NOFOLLOW,
  STATX_BASIC_STATS,
  STATX_BTIME,
} from '../../linux/constants.js';
import { type Statx, statx } from '../../linux/files/statx.js';
import { DescriptorCache } from '../../realfs/descriptor-cache.js';
import type { HeldDescriptors } from '../../realfs/held-descriptors.js';
import type { Place } from '../../realfs/real-object.js';
import type { Name } from '../../vfs/name.js';
import type { PrivateXattrs } from '../form/overlay-xattrs.js';
import { applyOverride } from '../form/override-stat.js';
import { ALL_FEATURES, type UnionFeatures, USER_FEATURES } from '../form/union-features.js';
import type { WorkDirectory } from '../form/work-directory.js';
import type { Layer, RealDirectory } from './layer.js';

interface StackParts {
  /** Topmost first; the upper, if there is one, is the first. */
  readonly layers: readonly Layer[];
  /** Searched for data alone, after all layers, by the absolute path of a redirect. */
  readonly dataLayers: readonly Layer[];
  readonly work: WorkDirectory | undefined;
  /** Directory of copies that have several names in a lower. */
  readonly index: RealDirectory | undefined;
  readonly xattrs: PrivateXattrs;
  /** By default all that the name space of the attributes allows. */
  readonly features?: UnionFeatures | undefined;
  readonly descriptorLimit: number;
  /** Shared with what is mounted over the union; by default there is no limit. */
  readonly held?: HeldDescriptors;
}

const LOOKUP_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
const WANTED_FIELDS = STATX_BASIC_STATS | STATX_BTIME;

export class LayerStack {
  layers: readonly Layer[];
  readonly dataLayers: readonly Layer[];
  upper: Layer | undefined;
  work: WorkDirectory | undefined;
  index: RealDirectory | undefined;
  readonly xattrs: PrivateXattrs;
  readonly features: UnionFeatures;
  readonly cache: DescriptorCache;

  constructor(parts: StackParts) {
    this.layers = parts.layers;
    this.dataLayers = parts.dataLayers;
    const top = parts.layers[0];
    this.upper = top?.writable === true ? top : undefined;
    this.work = parts.work;
    this.index = parts.index;
    this.xattrs = parts.xattrs;
    this.features = parts.features ?? (parts.xattrs.isTrusted ? ALL_FEATURES : USER_FEATURES);
    this.cache = new DescriptorCache(parts.descriptorLimit, parts.held);
  }

  /** Upper is a layer like the others from now on, below a new one. The old work directory is the caller's to close. */
  push({ upper, work, index }: Readonly<Pick<StackParts, 'work' | 'index'> & { upper: Layer }>): void {
    for (const layer of [...this.layers, ...this.dataLayers]) layer.index++;
    if (this.upper !== undefined) this.upper.writable = false;
    if (this.index !== undefined) this.cache.drop(this.index);
    this.layers = [upper, ...this.layers];
    this.upper = upper;
    this.work = work;
    this.index = index;
  }

  /** The O_PATH descriptor of a directory, valid until the next call for another one. */
  descriptor(dir: RealDirectory): number {
    return dir.descriptor(this.cache);
  }

  /** statx of a name in a real directory. @returns false when there is none. */
  statName(dir: RealDirectory, name: Name, out: Statx): boolean {
    const fd = this.descriptor(dir);
    const result = statx(fd, name, LOOKUP_FLAGS, WANTED_FIELDS, out);
    const { override } = dir.layer;
    if (result === 0 && override !== undefined) applyOverride(fd, name, override, out);
    if (result === 0) return true;
    if (result === -2) return false;
    check(result, 'lookup', name);
    return false;
  }

  /** Closes everything but the descriptors in `cache`. */
  close(): void {
    for (const layer of this.layers) layer.close();
    for (const layer of this.dataLayers) layer.close();
    if (this.index !== undefined) this.cache.drop(this.index);
    this.work?.close();
  }
}

/** statx of an object of a layer. @returns 0 or a negated errno. */
export function statPlace(at: Readonly<Place>, out: Statx): number {
  const flags = at.name === '' ? LOOKUP_FLAGS | AT_EMPTY_PATH : LOOKUP_FLAGS;
  return statx(at.dirfd, at.name, flags, WANTED_FIELDS, out);
}

/** statx of the object behind a descriptor. @returns 0 or a negated errno. */
export function statDescriptor(fd: number, out: Statx): number {
  return statx(fd, '', LOOKUP_FLAGS | AT_EMPTY_PATH, WANTED_FIELDS, out);
}
