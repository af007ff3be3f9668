/**
 * `image history`: which line of the history made which layer.
 */

import type { Store } from '../../store/store.js';
import type { HistoryEntry } from '../oci/oci.js';
import type { Image } from './image-index.js';
import { readLayer } from './layer-record.js';

interface HistoryRow {
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string;
  /** The size of the layer's files; 0 for a line that made none. */
  readonly sizeBytes: number;
  /** chainID in hex; undefined for a line that made no layer. */
  readonly layer: string | undefined;
}

/** Newest first. Layers of which the history says nothing have a line of their own. */
export function historyRows(store: Store, image: Image): HistoryRow[] {
  return linesOf(image)
    .map(({ entry, layer }) => ({
      created: entry.created ?? '',
      createdBy: entry.created_by ?? '',
      comment: entry.comment ?? '',
      sizeBytes: layer === undefined ? 0 : (readLayer(store, layer)?.sizeBytes ?? 0),
      layer,
    }))
    .reverse();
}

interface Line {
  readonly entry: HistoryEntry;
  readonly layer: string | undefined;
}

/** Oldest first. */
function linesOf({ config, layers }: Pick<Image, 'config' | 'layers'>): Line[] {
  let next = 0;
  const lines = (config.history ?? []).map((entry): Line => {
    const layer = entry.empty_layer === true ? undefined : layers[next++];
    return { entry, layer };
  });
  return [...lines, ...layers.slice(next).map((layer): Line => ({ entry: {}, layer }))];
}

/** The line that made a layer. */
export function historyOfLayer(
  image: Pick<Image, 'config' | 'layers'>,
  hex: string,
): HistoryEntry | undefined {
  return linesOf(image).find(({ layer }) => layer === hex)?.entry;
}
