/**
 * The parts of an image of the store; of the other platforms of its index those that it has not come from where it was
 * pulled.
 */

import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { blobPath, type Image } from '../catalog/image-index.js';
import type { Descriptor, Digest } from '../oci/oci.js';
import { parseReference, type Reference } from '../oci/reference.js';
import type { TransferOptions } from './pull-image.js';
import type { PartSource } from './transfer.js';

/** A part of another platform is neither in the store nor where the image was pulled. */
export class MissingPart extends UserError {}

interface StoreParts {
  readonly store: Store;
  /** Images by whose names the target's registry may have blobs already. */
  readonly images: readonly Image[];
  readonly target: Reference;
  /** For what the store lacks. */
  readonly remote?: PartSource | undefined;
  readonly onBytes: TransferOptions['onBytes'];
}

export function storeParts({ store, images, target, remote, onBytes }: StoreParts): PartSource {
  const others = repositoriesOf(images, target);
  return {
    others: (digest) => [...(others.get(digest) ?? []), ...(remote?.others(digest) ?? [])],
    manifest: async (descriptor) => {
      const path = blobPath(store, descriptor.digest);
      if (existsSync(path)) return { bytes: readFileSync(path), mediaType: descriptor.mediaType };
      if (remote === undefined) throw new MissingPart(`the store lacks the manifest '${descriptor.digest}'`);
      try {
        return await remote.manifest(descriptor);
      } catch (error) {
        if (error instanceof UserError)
          throw new MissingPart(error.message, { hint: error.hint, cause: error });
        throw error;
      }
    },
    blob: (descriptor) => {
      const path = blobPath(store, descriptor.digest);
      if (!existsSync(path) && remote !== undefined) return remote.blob(descriptor);
      return { sizeBytes: descriptor.size, open: () => openBlob(path, onBytes) };
    },
  };
}

function openBlob(path: string, onBytes: TransferOptions['onBytes']): ReturnType<typeof createReadStream> {
  const stream = createReadStream(path, { highWaterMark: 256 * 1024 });
  stream.on('data', (chunk) => onBytes?.(chunk.length));
  return stream.pause();
}

/** Where, by the names of the store's images, a registry may have a blob already. */
function repositoriesOf(images: readonly Image[], { host, path }: Reference): Map<Digest, string[]> {
  const found = new Map<Digest, string[]>();
  for (const { names, manifest } of images) {
    for (const name of names) {
      const reference = parseReference(name);
      if (reference.host !== host || reference.path === path) continue;
      for (const { digest } of manifest.layers as readonly Descriptor[]) {
        const known = found.get(digest) ?? [];
        if (!known.includes(reference.path)) found.set(digest, [...known, reference.path]);
      }
    }
  }
  return found;
}
