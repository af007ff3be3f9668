/**
 * The directories of an image that is to be mounted. Reads JSON only, since commands that mount do so before all else.
 */

import { join } from 'node:path';
import { UserError } from '../../errno/user-error.js';
import { findImage, type StorePaths } from './image-index.js';
import { layerTreePaths } from './layer-record.js';

/** Bottom first. @throws UserError when there is no such image. */
export function imageDirectories(root: string, reference: string, target: string): string[] {
  const store: StorePaths = { path: (...parts) => join(root, ...parts) };
  const image = findImage(store, reference);
  if (image === undefined) {
    throw new UserError(`cannot mount image '${reference}' on '${target}': no such image`, {
      hint: "'plyfs image ls' shows those there are",
    });
  }
  return layerTreePaths(store, image.layers);
}
