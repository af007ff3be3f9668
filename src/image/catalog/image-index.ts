/**
 * `images/index.json`: which images the store has, and by what names.
 *
 * Each name is a descriptor of its own with the annotation REF_NAME; an image without a name has one without. An image
 * is known by the digest of its config, as Docker knows it.
 */

import { UserError } from '../../errno/user-error.js';
import { readJson, writeJson } from '../../store/atomic-file.js';
import type { StoreView } from '../../store/store-view.js';
import { chainIds, hexOf } from '../oci/chain-id.js';
import { checkIndex, checkManifest, readImageConfig } from '../oci/image-json.js';
import {
  BUILD_STEP,
  type Descriptor,
  type Digest,
  IMAGE_INDEX,
  type ImageConfig,
  type Index,
  type Manifest,
  MEDIA_TYPE,
  PULLED_FROM,
  REF_NAME,
} from '../oci/oci.js';
import { formatReference, parseReference, type Reference } from '../oci/reference.js';
import { holdersOf, nameOf, pulledNameOf } from './index-names.js';

/** What reading needs of the store: a command that mounts has no use for the rest, which loads koffi. */
export type StorePaths = Pick<StoreView, 'path'>;

export interface Image {
  /** Digest of the config. */
  readonly id: Digest;
  readonly manifestDigest: Digest;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /** `NAME:TAG`; empty: dangling. */
  readonly names: readonly string[];
  /** `HOST/PATH@DIGEST` by which it was pulled: a name too, but none that can move to another image. */
  readonly pulledBy: readonly string[];
  /** chainIDs in hex, bottom first: the directories in `layers/`. */
  readonly layers: readonly string[];
  /** Keys of the build steps that end with it. */
  readonly buildSteps: readonly string[];
  /** The digest of the index that it came by, as one of several. */
  readonly indexDigest: Digest | undefined;
  /** `HOST/PATH` from which it was pulled. */
  readonly pulledFrom: string | undefined;
}

/** Nobody can name it, but by its id. */
export function isDangling({ names, pulledBy }: Image): boolean {
  return names.length === 0 && pulledBy.length === 0;
}

/** Kept for the cache of builds alone. */
export function isIntermediate(image: Image): boolean {
  return isDangling(image) && image.buildSteps.length > 0;
}

export function layerTreePath(store: StorePaths, hex: string): string {
  return store.path('layers', hex, 'tree');
}

export function blobPath(store: StorePaths, digest: Digest): string {
  return store.path('images', 'blobs', 'sha256', hexOf(digest));
}

export function readIndex(store: StorePaths): Index {
  const index = readJson(store.path('images', 'index.json'));
  if (index !== undefined) return checkIndex(index, "the store's index of images");
  return { schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests: [] };
}

/** PRECONDITION: locked, and the blobs of each descriptor are on disk. */
export function writeIndex(store: StoreView, manifests: readonly Descriptor[]): void {
  writeJson(store.path('images', 'oci-layout'), { imageLayoutVersion: '1.0.0' });
  writeJson(store.path('images', 'index.json'), { schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests });
}

/** Newest first. */
export function listImages(store: StorePaths): Image[] {
  const labels = new Map<Digest, Labels>();
  const { manifests } = readIndex(store);
  const holders = holdersOf(manifests);
  for (const descriptor of manifests) {
    const { digest, annotations } = descriptor;
    const known = labels.get(digest) ?? NO_LABELS;
    const name = nameOf(descriptor);
    const isHolder = name === undefined || holders.get(name) === digest;
    labels.set(digest, {
      names: added(known.names, isHolder ? name : annotations?.[REF_NAME]),
      pulledBy: added(known.pulledBy, pulledNameOf(descriptor)),
      buildSteps: added(known.buildSteps, annotations?.[BUILD_STEP]),
      indexDigest: annotations?.[IMAGE_INDEX] ?? known.indexDigest,
      pulledFrom: annotations?.[PULLED_FROM] ?? known.pulledFrom,
    });
  }
  return [...labels]
    .map(([digest, its]) => readImage(store, digest, its))
    .sort((a, b) => (b.config.created ?? '').localeCompare(a.config.created ?? ''));
}

type Labels = Pick<Image, 'names' | 'pulledBy' | 'buildSteps' | 'indexDigest' | 'pulledFrom'>;

const NO_LABELS: Labels = {
  names: [],
  pulledBy: [],
  buildSteps: [],
  indexDigest: undefined,
  pulledFrom: undefined,
};

/** An image that no name leads to: one of an index. @throws UserError when the store lacks it. */
export function imageAt(store: StorePaths, manifestDigest: Digest): Image {
  return readImage(store, manifestDigest, NO_LABELS);
}

function added(list: readonly string[], one: string | undefined): readonly string[] {
  return one === undefined || list.includes(one) ? list : [...list, one];
}

function readImage(store: StorePaths, manifestDigest: Digest, labels: Labels): Image {
  const manifest = checkManifest(readBlob(store, manifestDigest));
  const config = readImageConfig(readBlob(store, manifest.config.digest));
  return {
    id: manifest.config.digest,
    manifestDigest,
    manifest,
    config,
    ...labels,
    layers: chainIds(config.rootfs.diff_ids).map(hexOf),
  };
}

function readBlob(store: StorePaths, digest: Digest): unknown {
  const value = readJson(blobPath(store, digest));
  if (value === undefined)
    throw new UserError(`the store lacks the blob '${digest}'`, { hint: "see 'plyfs doctor'" });
  return value;
}

const MIN_ID = 4;

/** The image that a name, an id or the beginning of an id means; a name comes first. Undefined: there is none. */
export function findImage(store: StorePaths, text: string): Image | undefined {
  const images = listImages(store);
  const byId = imageById(images, text);
  if (/^sha256:/.test(text)) return byId;
  const reference = parseReference(text);
  if (reference.digest !== undefined) {
    // As for Docker, a tag beside a digest says nothing.
    const pulled = nameByDigest(reference);
    return (
      images.find(({ pulledBy }) => pulledBy.includes(pulled)) ??
      images.find(({ manifestDigest }) => manifestDigest === reference.digest)
    );
  }
  const name = formatReference(reference);
  return images.find(({ names }) => names.includes(name)) ?? byId;
}

/** `HOST/PATH@DIGEST`. */
export function nameByDigest({ tag: _, ...reference }: Reference): string {
  return formatReference(reference);
}

/** @throws UserError `no such image: TEXT`. */
export function resolveImage(store: StorePaths, text: string): Image {
  const image = findImage(store, text);
  if (image === undefined) {
    throw new UserError(`no such image: '${text}'`, {
      code: 'ERR_NOT_FOUND',
      hint: "'plyfs image ls' shows those there are",
    });
  }
  return image;
}

/** @throws UserError when several images' ids begin so. */
function imageById(images: readonly Image[], text: string): Image | undefined {
  const hex = text.replace(/^sha256:/, '');
  if (!/^[0-9a-f]+$/.test(hex) || hex.length < MIN_ID) return undefined;
  const found = [
    ...new Map(
      images.filter(({ id }) => hexOf(id).startsWith(hex)).map((image) => [image.id, image]),
    ).values(),
  ];
  if (found.length > 1)
    throw new UserError(`image id '${text}' is ambiguous: ${found.length} images begin so`);
  return found[0];
}
