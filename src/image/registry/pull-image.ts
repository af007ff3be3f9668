/**
 * `image pull`: an image of a registry into the store.
 */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { ImageStage, type NewImage } from '../add/image-stage.js';
import { stageImage } from '../add/stage-image.js';
import { blobPath, findImage, nameByDigest } from '../catalog/image-index.js';
import { noteImage } from '../catalog/note-image.js';
import type { Notices } from '../layer/entry-attributes.js';
import { type BlobReader, readTop } from '../layout/read-oci.js';
import { hexOf, sha256 } from '../oci/chain-id.js';
import { compareDigest } from '../oci/digest.js';
import { parseJson } from '../oci/image-json.js';
import { type Descriptor, type Digest, type Platform, PULLED_BY_DIGEST, PULLED_FROM } from '../oci/oci.js';
import { servesPlatform } from '../oci/platform.js';
import { formatReference, type Reference, registryHost } from '../oci/reference.js';
import { downloadBlob } from './download.js';
import { isManifestType, type ReceivedManifest, Registry } from './registry.js';
import { findCredentials } from './sign-in/docker-config.js';

export interface TransferOptions {
  readonly insecure?: boolean;
  /** Bytes that came, or went, by the network. */
  readonly onBytes?: (count: number) => void;
  /** How many there will be in all, as soon as that is known, and again when it is known better. */
  readonly onTotal?: (bytes: number) => void;
}

interface PullOptions extends TransferOptions {
  readonly platform: Platform;
  /** The image's own platform, when it is another than the one asked for: throws where that will not do. */
  readonly onOtherPlatform?: (own: Platform) => void;
  readonly skipDevices?: boolean;
  /** Gets what was left out of layers. */
  readonly notices: Notices;
}

interface Pulled {
  /** Digest of the config. */
  readonly id: Digest;
  /** The digest of what the name leads to in the registry, a manifest or an index. */
  readonly digest: Digest;
  /** The store had it under this name already. */
  readonly wasUpToDate: boolean;
}

/** A blob that was counted on may be removed by another command: then once more. */
const PUBLISH_ATTEMPTS = 3;

/** @throws UserError; the store is then as it was, but for what a later pull can go on with. */
export async function pullImage(store: Store, reference: Reference, options: PullOptions): Promise<Pulled> {
  const { host, path, tag } = reference;
  const name = formatReference(reference);
  using registry = new Registry(registryHost(reference), {
    credentials: findCredentials(`${host}/${path}`),
    insecure: options.insecure === true,
  });
  const top = await registry.manifest(path, reference.digest ?? reference.tag ?? 'latest');
  const digest = `sha256:${sha256(top.bytes)}`;
  compareDigest(digest, reference.digest, `the manifest of '${name}'`);
  // As for Docker, a tag beside a digest says nothing: who knows whether it leads there.
  const names = reference.digest === undefined ? [formatReference({ host, path, tag: tag ?? 'latest' })] : [];
  const before = findKnown(store, name);
  const partial = store.path('images', 'partial');
  const layers: Descriptor[] = [];
  const blobs = blobsOf(registry, path, { store, partial, onBytes: options.onBytes, layers });
  const chosen = await readTop(blobs, top, { shown: name, wanted: options.platform });
  const index = isIndex(top) ? { ...top, blobs: [] } : undefined;
  const found = { ...chosen, index };
  if (!servesPlatform(found.config, options.platform)) options.onOtherPlatform?.(found.config);
  options.onTotal?.(missingBytes(store, layers, partial));
  for (let attempt = 1; attempt <= PUBLISH_ATTEMPTS; attempt += 1) {
    using stage = new ImageStage(store);
    const image = await stageImage(
      stage,
      { ...found, names },
      { skipDevices: options.skipDevices === true, notices: options.notices },
    );
    if (stage.publish([named(image, reference)])) {
      noteImage(store, name, 'pull');
      return { id: image.id, digest, wasUpToDate: before === image.id };
    }
  }
  throw new UserError(`cannot pull '${name}': other commands remove its layers meanwhile`);
}

/** What was asked for by its digest is found by that later, also where it is the digest of an index. */
function named(image: NewImage, reference: Reference): NewImage {
  const { host, path, digest } = reference;
  const { annotations: known } = image.manifest;
  // Where its other platforms are.
  const from = known === undefined ? {} : { [PULLED_FROM]: formatReference({ host, path }) };
  const by = digest === undefined ? {} : { [PULLED_BY_DIGEST]: nameByDigest(reference) };
  const annotations = { ...known, ...from, ...by };
  if (Object.keys(annotations).length === 0) return image;
  return { ...image, manifest: { ...image.manifest, annotations } };
}

function isIndex({ bytes }: ReceivedManifest): boolean {
  return Array.isArray(parseJson(bytes, 'the manifest').manifests);
}

const MAX_SMALL_BYTES = 16 * 1024 * 1024;

interface Receiving {
  readonly store: Store;
  /** Blobs of layers lie there until their image is published, so that a later pull can go on with them. */
  readonly partial: string;
  readonly onBytes: TransferOptions['onBytes'];
  /** Gets the layers of the image that is chosen. */
  readonly layers: Descriptor[];
}

function blobsOf(
  registry: Registry,
  repository: string,
  { store, partial, onBytes, layers }: Receiving,
): BlobReader {
  return {
    read: async ({ mediaType, digest, size }) => {
      if (isManifestType(mediaType)) return (await registry.manifest(repository, digest)).bytes;
      if (size <= MAX_SMALL_BYTES) return registry.smallBlob(repository, digest, size);
      throw new UserError(`invalid image: its config '${digest}' is larger than ${MAX_SMALL_BYTES} bytes`);
    },
    layer: (descriptor) => {
      layers.push(descriptor);
      const file = join(partial, hexOf(descriptor.digest));
      const stored = blobPath(store, descriptor.digest);
      const download = { registry, repository, descriptor, path: file, stored };
      return { file, open: () => downloadBlob(onBytes === undefined ? download : { ...download, onBytes }) };
    },
  };
}

function missingBytes(store: Store, layers: readonly Descriptor[], partial: string): number {
  const wanted = new Map(layers.map((layer) => [layer.digest, layer.size]));
  return [...wanted]
    .filter(([digest]) => !existsSync(blobPath(store, digest)))
    .reduce((sum, [digest, size]) => {
      const have = statSync(join(partial, hexOf(digest)), { throwIfNoEntry: false })?.size ?? 0;
      return sum + Math.max(0, size - have);
    }, 0);
}

function findKnown(store: Store, name: string): Digest | undefined {
  return findImage(store, name)?.id;
}
