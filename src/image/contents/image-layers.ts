/** All layers of an image, with the lines of its history that made them. */

import { historyOfLayer } from '../catalog/history-rows.js';
import { type Image, layerTreePath, type StorePaths } from '../catalog/image-index.js';
import { readLayer } from '../catalog/layer-record.js';
import { type StackedDirectory, StackedLayers } from './stacked-layers.js';

export class ImageLayers extends StackedLayers {
  /** @throws FsError where a layer cannot be opened. */
  constructor(store: StorePaths, image: Pick<Image, 'layers' | 'config'>) {
    super(layerDirectories(store, image));
  }
}

/** Bottom first. */
export function layerDirectories(
  store: StorePaths,
  image: Pick<Image, 'layers' | 'config'>,
): StackedDirectory[] {
  return image.layers.map((hex, index) => ({
    number: index + 1,
    hex,
    createdBy: historyOfLayer(image, hex)?.created_by?.trim() ?? '',
    path: layerTreePath(store, hex),
    isRootOpaque: readLayer(store, hex)?.isRootOpaque === true,
  }));
}
