/**
 * OCI images: those of a layout (a directory or a tar: image-spec 1.1, image-layout.md), and what a registry's name leads to.
 *
 * Each blob that is parsed has the digest by which it was asked for. The chain from index.json to a manifest is at most
 * MAX_DEPTH long, so an index that leads back to itself ends.
 */

import { UserError } from '../../errno/user-error.js';
import { hexOf, sha256 } from '../oci/chain-id.js';
import { compareDigest, compareSize } from '../oci/digest.js';
import { checkConfig, checkIndex, checkManifest, parseJson } from '../oci/image-json.js';
import { type Descriptor, type Manifest, MEDIA_TYPE, type Platform, REF_NAME } from '../oci/oci.js';
import { formatPlatform, servesPlatform } from '../oci/platform.js';
import { formatReference, parseImageName, parseReference } from '../oci/reference.js';
import type { FoundImage, FoundIndex, FoundLayer } from './found-image.js';
import { type Archive, readPart } from './image-archive.js';

const MAX_DEPTH = 4;
const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';
/** Docker's own manifests, too, have one of these. Some tools name no type, or any. */
const CONFIG_TYPES = new Set([
  MEDIA_TYPE.config,
  'application/vnd.docker.container.image.v1+json',
  'application/octet-stream',
  'application/json',
  '',
]);
/** Where docker and containerd put the whole name, whose tag alone is in REF_NAME. */
const CONTAINERD_NAME = 'io.containerd.image.name';

export function isOciLayout(archive: Archive): boolean {
  return archive.has('index.json');
}

/** Those that serve the platform. @throws UserError when there is none, or something is wrong. */
export async function readOciLayout(archive: Archive, wanted: Platform): Promise<FoundImage[]> {
  const bytes = await readPart(archive, 'index.json');
  const index = checkIndex(parseJson(bytes, "'index.json'"), "'index.json'");
  const blobs = blobsOf(archive);
  const images: FoundImage[] = [];
  const offered: string[] = [];
  let artifact: NotAnImage | undefined;
  for (const descriptor of index.manifests) {
    const manifest = await choose(blobs, descriptor, { wanted, offered, depth: 0 });
    if (manifest === undefined) continue;
    try {
      const image = await readImage(blobs, manifest, nameOf(descriptor));
      images.push({ ...image, index: await indexOf(archive, blobs, descriptor) });
    } catch (error) {
      if (!(error instanceof NotAnImage)) throw error;
      artifact ??= error;
    }
  }
  if (images.length === 0) throw artifact ?? noImage(archive.shown, wanted, offered);
  return merged(images);
}

/** An index with all that it names; undefined: it is none, or the archive has a part of it alone. */
async function indexOf(
  archive: Archive,
  blobs: BlobReader,
  descriptor: Descriptor,
): Promise<FoundIndex | undefined> {
  const { mediaType } = descriptor;
  if (mediaType !== MEDIA_TYPE.index && mediaType !== DOCKER_INDEX) return undefined;
  const bytes = await readBlob(blobs, descriptor);
  const below = await partsBelow(archive, blobs, bytes, 0);
  if (below === undefined) return undefined;
  const parts = [...new Map(below.map((part) => [part.digest, part])).values()];
  return {
    bytes,
    mediaType,
    blobs: parts.map((part) => ({ digest: part.digest, open: () => blobs.layer(part).open() })),
  };
}

async function partsBelow(
  archive: Archive,
  blobs: BlobReader,
  bytes: Buffer,
  depth: number,
): Promise<Descriptor[] | undefined> {
  const fields = parseJson(bytes, 'a manifest');
  const isIndex = Array.isArray(fields.manifests);
  const { config, layers } = isIndex ? ({} as Partial<Manifest>) : checkManifest(fields);
  const direct = isIndex ? checkIndex(fields, 'an index').manifests : [config!, ...layers!];
  if (depth > MAX_DEPTH || !direct.every((part) => archive.has(blobName(part)))) return undefined;
  const all = [...direct];
  for (const child of isIndex ? direct : []) {
    const below = await partsBelow(archive, blobs, await readBlob(blobs, child), depth + 1);
    if (below === undefined) return undefined;
    all.push(...below);
  }
  return all;
}

/** Signatures, charts and the like lie in layouts as manifests too. */
class NotAnImage extends UserError {}

function noImage(shown: string, wanted: Platform, offered: readonly string[]): UserError {
  const platforms = [...new Set(offered)].join(', ');
  return new UserError(`'${shown}' has no image for ${formatPlatform(wanted)}`, {
    hint: platforms === '' ? undefined : `choose one with --platform: ${platforms}`,
  });
}

/** Where the blobs of an image come from. */
export interface BlobReader {
  /** A small one, unverified. */
  read(descriptor: Descriptor): Promise<Buffer>;
  layer(descriptor: Descriptor): Pick<FoundLayer, 'open' | 'file'>;
}

/**
 * What the bytes under a name are: an image, or the one for the platform of several.
 * @throws UserError when there is none, or something is wrong.
 */
export async function readTop(
  blobs: BlobReader,
  top: { readonly bytes: Buffer; readonly mediaType: string },
  options: { readonly shown: string; readonly wanted: Platform },
): Promise<FoundImage> {
  const fields = parseJson(top.bytes, 'the manifest');
  if (!Array.isArray(fields.manifests)) return imageOf(blobs, top.bytes, top.mediaType, undefined);
  const offered: string[] = [];
  for (const descriptor of checkIndex(fields, 'an index').manifests) {
    const found = await choose(blobs, descriptor, { wanted: options.wanted, offered, depth: 1 });
    if (found !== undefined) return readImage(blobs, found, undefined);
  }
  throw noImage(options.shown, options.wanted, offered);
}

/**
 * The manifest for a platform, of an index; undefined: it is a manifest itself.
 * @param read gives a manifest or index, unverified.
 * @throws UserError when there is none, or something is wrong.
 */
export async function chooseManifest(
  read: BlobReader['read'],
  top: { readonly bytes: Buffer },
  options: { readonly shown: string; readonly wanted: Platform },
): Promise<{ readonly bytes: Buffer; readonly mediaType: string } | undefined> {
  const fields = parseJson(top.bytes, 'the manifest');
  if (!Array.isArray(fields.manifests)) return undefined;
  const offered: string[] = [];
  for (const descriptor of checkIndex(fields, 'an index').manifests) {
    const found = await choose({ read }, descriptor, { wanted: options.wanted, offered, depth: 1 });
    if (found !== undefined) return { bytes: await readBlob({ read }, found), mediaType: found.mediaType };
  }
  throw noImage(options.shown, options.wanted, offered);
}

interface Choice {
  readonly wanted: Platform;
  /** Gets the platforms that are there. */
  readonly offered: string[];
  readonly depth: number;
}

/** The manifest that a descriptor stands for; undefined when it is for another platform. */
async function choose(
  blobs: Pick<BlobReader, 'read'>,
  descriptor: Descriptor,
  choice: Choice,
): Promise<Descriptor | undefined> {
  const { platform, mediaType } = descriptor;
  const isIndex = mediaType === MEDIA_TYPE.index || mediaType === DOCKER_INDEX;
  if (!isIndex) {
    // Attestations of builders stand beside the images, as for a system `unknown`.
    if (platform !== undefined && platform.os !== 'unknown') choice.offered.push(formatPlatform(platform));
    return platform === undefined || servesPlatform(platform, choice.wanted) ? descriptor : undefined;
  }
  if (choice.depth >= MAX_DEPTH) throw new UserError('invalid image: indexes lead to each other');
  const bytes = await readBlob(blobs, descriptor);
  const index = checkIndex(parseJson(bytes, 'an index'), 'an index');
  for (const one of index.manifests) {
    const found = await choose(blobs, one, { ...choice, depth: choice.depth + 1 });
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readImage(
  blobs: BlobReader,
  descriptor: Descriptor,
  name: string | undefined,
): Promise<FoundImage> {
  return imageOf(blobs, await readBlob(blobs, descriptor), descriptor.mediaType, name);
}

async function imageOf(
  blobs: BlobReader,
  manifestBytes: Buffer,
  mediaType: string,
  name: string | undefined,
): Promise<FoundImage> {
  const manifest = checkManifest(parseJson(manifestBytes, 'the manifest'));
  checkConfigType(manifest.config);
  const configBytes = await readBlob(blobs, manifest.config);
  const config = checkConfig(parseJson(configBytes, 'the config'), manifest.layers.length);
  return {
    names: name === undefined ? [] : [name],
    config,
    configBytes,
    configType: manifest.config.mediaType,
    manifestBytes,
    manifestType: manifest.mediaType ?? mediaType,
    layers: manifest.layers.map((layer, index) => ({
      digest: layer.digest,
      sizeBytes: layer.size,
      diffId: config.rootfs.diff_ids[index]!,
      mediaType: layer.mediaType,
      ...blobs.layer(layer),
    })),
  };
}

/** Registries and layouts hold other things than images too: charts, signatures, models. */
function checkConfigType({ mediaType }: Descriptor): void {
  if (CONFIG_TYPES.has(mediaType)) return;
  throw new NotAnImage(`it is no image: its config is of the type '${mediaType}'`);
}

async function readBlob(blobs: Pick<BlobReader, 'read'>, descriptor: Descriptor): Promise<Buffer> {
  const bytes = await blobs.read(descriptor);
  const what = `blob '${descriptor.digest}'`;
  compareDigest(`sha256:${sha256(bytes)}`, descriptor.digest, what);
  compareSize(bytes.length, descriptor.size, what);
  return bytes;
}

function blobsOf(archive: Archive): BlobReader {
  return {
    read: (descriptor) => readPart(archive, blobName(descriptor)),
    layer: (descriptor) => ({ open: () => archive.stream(blobName(descriptor)) }),
  };
}

function blobName({ digest }: Descriptor): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

/** The name given; what is no name (a registry's whole address is one, a sentence is not) is left out. */
function nameOf({ annotations }: Descriptor): string | undefined {
  const text = annotations?.[CONTAINERD_NAME] ?? annotations?.[REF_NAME];
  if (text === undefined) return undefined;
  try {
    const { digest: _, ...reference } = parseReference(text);
    return formatReference(parseImageName(formatReference({ tag: 'latest', ...reference })));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** One image for each manifest, with all its names. */
function merged(images: readonly FoundImage[]): FoundImage[] {
  const byManifest = new Map<string, FoundImage>();
  for (const image of images) {
    const key = sha256(image.manifestBytes!);
    const known = byManifest.get(key);
    const names = [...new Set([...(known?.names ?? []), ...image.names])];
    byManifest.set(key, { ...(known ?? image), names });
  }
  return [...byManifest.values()];
}
