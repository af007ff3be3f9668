/**
 * `layers/HEX/layer.json`: what is known of an unpacked layer; its files are in `tree/` beside it.
 */

import { readJson } from '../store/atomic-file.js';
import { layerTreePath, type StorePaths } from './image-index.js';
import type { Digest } from './oci.js';

export const LAYER_FILE = 'layer.json';

export interface LayerRecord {
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** Of the uncompressed tar. */
  readonly tarBytes: number;
  /** Of all files. */
  readonly sizeBytes: number;
  readonly entries: number;
  /** Its root hides all layers below; overlayfs has no mark for that. */
  readonly isRootOpaque: boolean;
  /** Of a layer that no image brought: the tar it was unpacked from, with its size and time. */
  readonly origin?: string;
}

/** @returns undefined when there is no such layer. */
export function readLayer(store: StorePaths, hex: string): LayerRecord | undefined {
  return readJson(store.path('layers', hex, LAYER_FILE)) as LayerRecord | undefined;
}

/** The directories to mount for the layers given, bottom first: those below an opaque root are left out. */
export function layerTreePaths(store: StorePaths, layers: readonly string[]): string[] {
  const from = layers.findLastIndex((hex) => readLayer(store, hex)?.isRootOpaque === true);
  return layers.slice(Math.max(from, 0)).map((hex) => layerTreePath(store, hex));
}
