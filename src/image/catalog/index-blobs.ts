/**
 * Images for several platforms: the store unpacks one, and keeps the index that it came by and what it has of the others,
 * so that push and save can give them.
 */

import { existsSync, readFileSync } from 'node:fs';
import { UserError } from '../../errno/user-error.js';
import { checkIndex, checkManifest, parseJson } from '../oci/image-json.js';
import { type Descriptor, type Digest, MEDIA_TYPE, type Platform } from '../oci/oci.js';
import { formatPlatform, servesPlatform } from '../oci/platform.js';
import { blobPath, type Image, imageAt, type StorePaths } from './image-index.js';

interface StoredIndex {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

const MAX_DEPTH = 4;

/** The index that an image came by; undefined: it came alone. */
export function storedIndex(store: StorePaths, { indexDigest }: Image): StoredIndex | undefined {
  if (indexDigest === undefined || !existsSync(blobPath(store, indexDigest))) return undefined;
  const bytes = readFileSync(blobPath(store, indexDigest));
  const { mediaType } = parseJson(bytes, 'an index');
  return { bytes, mediaType: typeof mediaType === 'string' ? mediaType : MEDIA_TYPE.index };
}

/** The index and all below it that the store has. */
export function blobsOfIndex(store: StorePaths, digest: Digest, depth = 0): Digest[] {
  if (!existsSync(blobPath(store, digest))) return [];
  const fields = parseJson(readFileSync(blobPath(store, digest)), 'an index');
  if (Array.isArray(fields.manifests)) {
    if (depth >= MAX_DEPTH) return [digest];
    const below = checkIndex(fields, 'an index').manifests;
    return [digest, ...below.flatMap((child) => blobsOfIndex(store, child.digest, depth + 1))];
  }
  const { config, layers } = checkManifest(fields);
  return [digest, config.digest, ...layers.map((layer) => layer.digest)];
}

/** The image for a platform: it itself, or another of its index. @throws UserError when the store has none. */
export function imageFor(store: StorePaths, image: Image, platform: Platform, shown: string): Image {
  if (servesPlatform(image.config, platform)) return image;
  const index = storedIndex(store, image);
  const found = index === undefined ? undefined : findFor(store, index.bytes, platform, 0);
  if (found !== undefined) return imageAt(store, found.digest);
  const wanted = formatPlatform(platform);
  throw new UserError(
    `'${shown}' is for ${formatPlatform(image.config)}, and the store has none for ${wanted}`,
    {
      hint: `'plyfs image pull --platform ${wanted}' gets it from a registry`,
    },
  );
}

/** One of which the store has all. */
function findFor(
  store: StorePaths,
  bytes: Buffer,
  platform: Platform,
  depth: number,
): Descriptor | undefined {
  for (const child of checkIndex(parseJson(bytes, 'an index'), 'an index').manifests) {
    if (!existsSync(blobPath(store, child.digest))) continue;
    const childBytes = readFileSync(blobPath(store, child.digest));
    if (Array.isArray(parseJson(childBytes, 'an index').manifests)) {
      const found = depth < MAX_DEPTH ? findFor(store, childBytes, platform, depth + 1) : undefined;
      if (found !== undefined) return found;
    } else if (child.platform !== undefined && servesPlatform(child.platform, platform)) {
      const all = blobsOfIndex(store, child.digest);
      if (all.every((digest) => existsSync(blobPath(store, digest)))) return child;
    }
  }
  return undefined;
}
