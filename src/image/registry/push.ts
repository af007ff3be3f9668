/**
 * `image push`: an image of the store to a registry. Blobs that it has are not sent; those that another repository of
 * it has are taken over from there.
 */

import { createReadStream, readFileSync } from 'node:fs';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { blobPath, type Image, listImages, resolveImage } from '../image-index.js';
import { type Descriptor, type Digest, MEDIA_TYPE } from '../oci.js';
import { formatReference, parseReference, type Reference, registryHost } from '../reference.js';
import { Registry } from './client.js';
import { findCredentials } from './credentials.js';
import type { TransferOptions } from './pull.js';

export interface Pushed {
  /** Of the manifest. */
  readonly digest: Digest;
  readonly sentBlobs: number;
}

const CONCURRENT_BLOBS = 3;

/** @throws UserError */
export async function pushImage(
  store: Store,
  reference: Reference,
  options: TransferOptions,
): Promise<Pushed> {
  const { host, path, tag } = reference;
  if (tag === undefined) throw new UserError(`cannot push '${formatReference(reference)}': it names no tag`);
  const image = resolveImage(store, formatReference(reference));
  using registry = new Registry(registryHost(reference), {
    credentials: findCredentials(`${host}/${path}`),
    insecure: options.insecure === true,
  });
  const others = repositoriesOf(listImages(store), host, path);
  const blobs = uniqueBlobs(image);
  let sentBlobs = 0;
  let totalBytes = blobs.reduce((sum, { size }) => sum + size, 0);
  options.onTotal?.(totalBytes);
  const push = async (): Promise<void> => {
    for (let blob = blobs.shift(); blob !== undefined; blob = blobs.shift()) {
      if (await sendBlob(registry, path, blob, { store, others, options })) sentBlobs += 1;
      else {
        totalBytes -= blob.size;
        options.onTotal?.(totalBytes);
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: CONCURRENT_BLOBS }, push));
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  await registry.putManifest(path, tag, {
    bytes: readFileSync(blobPath(store, image.manifestDigest)),
    mediaType: image.manifest.mediaType ?? MEDIA_TYPE.manifest,
  });
  return { digest: image.manifestDigest, sentBlobs };
}

function uniqueBlobs({ manifest }: Image): Descriptor[] {
  return [...new Map([...manifest.layers, manifest.config].map((blob) => [blob.digest, blob])).values()];
}

interface Sending {
  readonly store: Store;
  readonly others: ReadonlyMap<Digest, readonly string[]>;
  readonly options: TransferOptions;
}

/** @returns false when the registry had it. */
async function sendBlob(
  registry: Registry,
  repository: string,
  { digest, size }: Descriptor,
  { store, others, options }: Sending,
): Promise<boolean> {
  if (await registry.hasBlob(repository, digest)) return false;
  let begun: URL | undefined;
  for (const from of others.get(digest) ?? []) {
    const mounted = await registry.mountBlob(repository, digest, from);
    if (mounted === true) return false;
    // It is not there, and would not be in the next one: the registry has begun to receive it instead.
    if (mounted !== false) begun = mounted;
    if (begun !== undefined) break;
  }
  const source = {
    sizeBytes: size,
    open: () => {
      const stream = createReadStream(blobPath(store, digest), { highWaterMark: 256 * 1024 });
      stream.on('data', (chunk) => options.onBytes?.(chunk.length));
      return stream.pause();
    },
  };
  await registry.putBlob(repository, digest, source, begun);
  return true;
}

/** Where, by the names of the store's images, this registry may have a blob already. */
function repositoriesOf(images: readonly Image[], host: string, except: string): Map<Digest, string[]> {
  const found = new Map<Digest, string[]>();
  for (const { names, manifest } of images) {
    for (const name of names) {
      const reference = parseReference(name);
      if (reference.host !== host || reference.path === except) continue;
      for (const { digest } of manifest.layers) {
        const known = found.get(digest) ?? [];
        if (!known.includes(reference.path)) found.set(digest, [...known, reference.path]);
      }
    }
  }
  return found;
}
