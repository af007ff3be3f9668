/** Which object of the layers an origin record (form/origin.ts) names. */

import { EPERM } from '../../errno/errno.js';
import { S_IFMT } from '../../linux/constants.js';
import { Statx } from '../../linux/files/statx.js';
import { inodeIn, mayBeOf, statOrigin } from '../form/origin.js';
import type { Layer } from './layer.js';

const found = new Statx();

/** The reported inode number of what a record names; undefined when its handle does not tell. */
export function originInode(layers: readonly Layer[], origin: Buffer): number | undefined {
  const ino = inodeIn(origin);
  return ino === undefined ? undefined : originLayers(layers, origin)[0]?.inodeNumber(ino);
}

/** One layer for each file system that the record may mean. */
export function originLayers(layers: readonly Layer[], origin: Buffer): Layer[] {
  const chosen: Layer[] = [];
  for (const layer of layers) {
    if (layer.writable || !layer.hasHandles || !mayBeOf(origin, layer.uuid)) continue;
    if (!chosen.some(({ dev }) => dev === layer.dev)) chosen.push(layer);
  }
  return chosen;
}

/** A copy in upper. */
interface Copied {
  /** With its type. */
  readonly mode: number;
  /** Whether it stands for all names that its original has. */
  readonly isIndexed: boolean;
}

/** @returns the inode number on the layer's file system; undefined where the record means nothing that can be it. */
export function originalOf(layer: Layer, copy: Copied, origin: Buffer): number | undefined {
  const result = statOrigin(layer.handleDescriptor(), origin, found);
  if (result === -EPERM) return inodeIn(origin);
  if (result < 0 || ((found.mode ^ copy.mode) & S_IFMT) !== 0) return undefined;
  // Each of its names may have been copied up by itself.
  return found.nlink > 1 && !copy.isIndexed ? undefined : found.ino;
}
