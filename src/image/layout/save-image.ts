/**
 * `image save`: images as an OCI archive or as what `docker save` writes. The OCI archive has a manifest.json as well,
 * whose paths lead to its blobs, as that of Docker since 25 has: `docker load` of any age takes it.
 *
 * INVARIANT: the same images give the same bytes: parts in a fixed order, no time, no owner. Each blob is verified while
 * it is copied.
 */

import { createHash } from 'node:crypto';
import { decompress } from '../../archive/compress/decompress.js';
import { openInput } from '../../archive/streams/input.js';
import { encodeHeader } from '../../archive/tar/encode.js';
import { BARE_ENTRY, type EntryType, paddingOf, type TarEntry } from '../../archive/tar/entry.js';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { blobPath, type Image, resolveImage } from '../catalog/image-index.js';
import { imageFor } from '../catalog/index-blobs.js';
import { readLayer } from '../catalog/layer-record.js';
import { noteImage } from '../catalog/note-image.js';
import { sizeOfBlob } from '../catalog/stored-blobs.js';
import { hexOf } from '../oci/chain-id.js';
import { compareDigest } from '../oci/digest.js';
import { type Descriptor, type Digest, MEDIA_TYPE, type Platform, REF_NAME } from '../oci/oci.js';
import { formatReference, parseReference } from '../oci/reference.js';

/** The form of an archive of images: an OCI layout in a tar, or what `docker save` writes. */
export type SaveFormat = 'oci-archive' | 'docker-archive';

/** @throws UserError when there is no such image; while reading, when the store is damaged. */
export function saveImages(
  store: Store,
  texts: readonly string[],
  format: SaveFormat,
  platform?: Platform,
): AsyncIterable<Buffer> {
  const chosen = texts.map((text) => {
    const { image, names } = chooseImage(store, text);
    return { names, image: platform === undefined ? image : imageFor(store, image, platform, text) };
  });
  const images = oncePerImage(chosen);
  for (const { image, names } of images) noteImage(store, image.id, 'save', names[0]);
  return format === 'oci-archive' ? ociArchive(store, images) : dockerArchive(store, images);
}

/** One that was asked for by several names, or by its id too, has all of them. */
function oncePerImage(chosen: readonly Chosen[]): Chosen[] {
  const images = new Map<Digest, Chosen>();
  for (const { image, names } of chosen) {
    const before = images.get(image.manifestDigest)?.names ?? [];
    images.set(image.manifestDigest, { image, names: [...new Set([...before, ...names])] });
  }
  return [...images.values()];
}

interface Chosen {
  readonly image: Image;
  /** Those to write: the one asked for, or of an id all. */
  readonly names: readonly string[];
}

function chooseImage(store: Store, text: string): Chosen {
  const image = resolveImage(store, text);
  const isId = /^(?:sha256:)?[0-9a-f]{4,64}$/.test(text);
  if (isId && !image.names.some((name) => name.startsWith(`${text}:`))) return { image, names: [] };
  const name = formatReference(parseReference(text));
  return { image, names: image.names.includes(name) ? [name] : [] };
}

async function* ociArchive(store: Store, chosen: readonly Chosen[]): AsyncGenerator<Buffer> {
  const blobs = new Set<Digest>();
  const manifests: Descriptor[] = [];
  const list: object[] = [];
  for (const { image, names } of chosen) {
    const plain = descriptorOf(store, image);
    if (names.length === 0) manifests.push(plain);
    for (const name of names) manifests.push({ ...plain, annotations: { [REF_NAME]: name } });
    blobs.add(image.manifestDigest).add(image.manifest.config.digest);
    for (const { digest } of image.manifest.layers) blobs.add(digest);
    list.push({
      Config: blobName(image.manifest.config.digest),
      RepoTags: names,
      Layers: image.manifest.layers.map(({ digest }) => blobName(digest)),
    });
  }
  yield* directory('blobs/');
  yield* directory('blobs/sha256/');
  for (const digest of [...blobs].sort()) yield* blobEntry(store, digest, blobName(digest));
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests };
  yield* jsonEntry('index.json', index);
  yield* jsonEntry('manifest.json', list);
  yield* jsonEntry('oci-layout', { imageLayoutVersion: '1.0.0' });
  yield END;
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function descriptorOf(store: Store, { manifest, manifestDigest }: Image): Descriptor {
  return {
    mediaType: manifest.mediaType ?? MEDIA_TYPE.manifest,
    digest: manifestDigest,
    size: sizeOfBlob(store, hexOf(manifestDigest)),
  };
}

async function* dockerArchive(store: Store, chosen: readonly Chosen[]): AsyncGenerator<Buffer> {
  const written = new Set<string>();
  const list: object[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, names } of chosen) {
    const Layers: string[] = [];
    for (const [index, hex] of image.layers.entries()) {
      const diffId = image.config.rootfs.diff_ids[index]!;
      const name = `${hexOf(diffId)}/layer.tar`;
      Layers.push(name);
      if (written.has(name)) continue;
      written.add(name);
      yield* directory(`${hexOf(diffId)}/`);
      yield* plainLayerEntry(store, { name, diffId, hex, blob: image.manifest.layers[index]!.digest });
    }
    const Config = `${hexOf(image.id)}.json`;
    if (!written.has(Config)) yield* blobEntry(store, image.id, Config);
    written.add(Config);
    list.push({ Config, RepoTags: names, Layers });
    for (const name of names) {
      const { tag = '' } = parseReference(name);
      const repository = name.slice(0, -tag.length - 1);
      repositories[repository] = { ...repositories[repository], [tag]: hexOf(image.id) };
    }
  }
  yield* jsonEntry('manifest.json', list);
  yield* jsonEntry('repositories', repositories);
  yield END;
}

async function* blobEntry(store: Store, digest: Digest, name: string): AsyncGenerator<Buffer> {
  const path = blobPath(store, digest);
  yield* fileEntry(name, sizeOfBlob(store, hexOf(digest)), verified(openInput(path, COPY_BYTES), digest));
}

interface PlainLayer {
  readonly name: string;
  readonly diffId: Digest;
  /** chainID. */
  readonly hex: string;
  readonly blob: Digest;
}

async function* plainLayerEntry(store: Store, layer: PlainLayer): AsyncGenerator<Buffer> {
  const blob = blobPath(store, layer.blob);
  // That of another platform is not unpacked.
  const tarBytes = readLayer(store, layer.hex)?.tarBytes ?? (await unpackedBytes(blob));
  const { chunks } = await decompress(openInput(blob));
  yield* fileEntry(layer.name, tarBytes, verified(chunks, layer.diffId));
}

async function unpackedBytes(path: string): Promise<number> {
  let bytes = 0;
  for await (const chunk of (await decompress(openInput(path))).chunks) bytes += chunk.length;
  return bytes;
}

async function* verified(chunks: AsyncIterable<Buffer>, digest: Digest): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  compareDigest(`sha256:${hash.digest('hex')}`, digest, `blob '${digest}' of the store`);
}

async function* fileEntry(
  name: string,
  size: number,
  content: AsyncIterable<Buffer> | readonly Buffer[],
): AsyncGenerator<Buffer> {
  yield headerOf(name, 'file', size);
  let length = 0;
  for await (const chunk of content) {
    length += chunk.length;
    yield chunk;
  }
  if (length !== size) throw new UserError(`'${name}' of the store is damaged: it has another size`);
  if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
}

function* directory(name: string): Generator<Buffer> {
  yield headerOf(name, 'directory', 0);
}

function jsonEntry(name: string, value: unknown): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(JSON.stringify(value));
  return fileEntry(name, bytes.length, [bytes]);
}

/** A blob is only copied: each piece costs two turns of the thread pool, which a busy machine makes long. */
const COPY_BYTES = 4 * 1024 * 1024;

const END = Buffer.alloc(1024);

function headerOf(name: string, type: EntryType, sizeBytes: number): Buffer {
  const mode = type === 'directory' ? 0o755 : 0o644;
  const entry: TarEntry = { ...BARE_ENTRY, name, type, mode, sizeBytes };
  return encodeHeader(entry).header;
}
