/**
 * Which line of an image's history made a layer of the store: for `plyfs why`.
 */

import { join } from 'node:path';
import { historyOfLayer } from './history-rows.js';
import { listImages, type StorePaths } from './image-index.js';

const LAYER_TREE = /^(\/.*)\/layers\/([0-9a-f]{64})\/tree$/s;

/**
 * @param directory of a layer, absolute.
 * @returns `NAME: LINE`, of the first image by name that has the layer; undefined for a directory of no image.
 */
export function historyOfDirectory(directory: string): string | undefined {
  const match = LAYER_TREE.exec(directory);
  if (match === null) return undefined;
  const root = match[1]!;
  const hex = match[2]!;
  const store: StorePaths = { path: (...parts) => join(root, ...parts) };
  const users = listImages(store).filter(({ layers }) => layers.includes(hex));
  const image = users.find(({ names }) => names.length > 0) ?? users[0];
  if (image === undefined) return undefined;
  const line = historyOfLayer(image, hex)?.created_by?.trim() || 'its history has no line for it';
  return `${image.names[0] ?? image.id}: ${line}`;
}
