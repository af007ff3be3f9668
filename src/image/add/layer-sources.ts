/**
 * What `-l SRC` of `plyfs mount` means: a directory, a tar of a layer, or an image of the store.
 *
 * A path that exists comes first, and what begins like a path ('/', './', '../') is one; all else is the name or id of an
 * image. A tar is unpacked into the store once: it is known again by its place, size and time.
 */

import { type BigIntStats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { openInput } from '../../archive/streams/input.js';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { findImage, layerTreePath } from '../catalog/image-index.js';
import { layerTreePaths, readLayer } from '../catalog/layer-record.js';
import { hexOf } from '../oci/chain-id.js';
import { ImageStage } from './image-stage.js';
import { addUnpacked } from './import-image.js';
import { unpackLayer } from './unpack-layer.js';

/** Directories for all sources, bottom first. @throws UserError for one that is nothing. */
export async function resolveLayers(
  store: Store,
  sources: readonly string[],
  cwd: string,
): Promise<string[]> {
  const directories: string[] = [];
  for (const source of sources) directories.push(...(await resolveLayer(store, source, cwd)));
  return directories;
}

async function resolveLayer(store: Store, source: string, cwd: string): Promise<string[]> {
  const path = resolve(cwd, source);
  const stat = source === '' ? undefined : statSync(path, { throwIfNoEntry: false, bigint: true });
  if (stat?.isFile()) return [await unpackedTar(store, path, stat)];
  // Paths that are wrong are reported by the mount itself.
  if (stat !== undefined || source === '' || /^\.{0,2}\//.test(source)) return [source];
  const image = imageOf(store, source);
  if (image !== undefined) return layerTreePaths(store, image.layers);
  throw new UserError(`no such layer: '${source}' is neither a path nor an image`, {
    hint: "'plyfs image ls' shows the images there are",
  });
}

/** What is no name of an image is none of the store. */
function imageOf(store: Store, text: string): ReturnType<typeof findImage> {
  try {
    return findImage(store, text);
  } catch (error) {
    if (hasCode(error, 'ERR_INVALID_REFERENCE')) return undefined;
    throw error;
  }
}

async function unpackedTar(store: Store, path: string, stat: BigIntStats): Promise<string> {
  const origin = `${path}:${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`;
  const known = store.names('layers').find((hex) => readLayer(store, hex)?.origin === origin);
  if (known !== undefined) return layerTreePath(store, known);
  using stage = new ImageStage(store);
  try {
    const unpacked = await unpackLayer(stage, openInput(path), { wantsEnd: true });
    const hex = hexOf(unpacked.diffId);
    addUnpacked(stage, hex, unpacked, origin);
    stage.publish([], [hex]);
    return layerTreePath(store, hex);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`cannot use '${path}' as a layer: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  }
}
