/**
 * `layers/HEX/layer.json`: what is known of an unpacked layer; its files are in `tree/` beside it.
 */

import { readRecord, type Shape } from '../../store/read-record.js';
import type { Digest } from '../oci/oci.js';
import { layerTreePath, type StorePaths } from './image-index.js';

export const LAYER_FILE = 'layer.json';

export interface LayerRecord {
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** The length of the uncompressed tar. */
  readonly tarBytes: number;
  /** The size of all files. */
  readonly sizeBytes: number;
  readonly entries: number;
  /** Its root hides all layers below; overlayfs has no mark for that. */
  readonly isRootOpaque: boolean;
  /** The tar that a layer which no image brought was unpacked from, with its size and time. */
  readonly origin?: string;
}

const SHAPE: Shape = {
  fields: {
    'diffId?': 'text',
    'tarBytes?': 'number',
    'sizeBytes?': 'number',
    'entries?': 'number',
    'isRootOpaque?': 'flag',
    'origin?': 'text',
  },
};

/** @returns undefined when there is no such layer. @throws UserError for a broken record. */
export function readLayer(store: StorePaths, hex: string): LayerRecord | undefined {
  return readRecord(store.path('layers', hex, LAYER_FILE), SHAPE);
}

/** The directories to mount for the layers given, bottom first: those below an opaque root are left out. */
export function layerTreePaths(store: StorePaths, layers: readonly string[]): string[] {
  const from = layers.findLastIndex((hex) => readLayer(store, hex)?.isRootOpaque === true);
  return layers.slice(Math.max(from, 0)).map((hex) => layerTreePath(store, hex));
}
