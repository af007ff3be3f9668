/**
 * The parts of an image in a repository of a registry, verified on their way to another one.
 */

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { hexOf } from '../oci/chain-id.js';
import { compareDigest } from '../oci/digest.js';
import type { Descriptor } from '../oci/oci.js';
import type { Reference } from '../oci/reference.js';
import { registryHost } from '../oci/reference.js';
import type { TransferOptions } from './pull-image.js';
import type { Registry } from './registry.js';
import type { PartSource } from './transfer.js';

interface RemoteRepository {
  readonly registry: Registry;
  readonly path: string;
}

/** @param target where the parts go: of its own registry it takes blobs over. */
export function remoteParts(
  { registry, path }: RemoteRepository,
  target: Pick<Reference, 'host' | 'path'>,
  { onBytes }: TransferOptions,
): PartSource {
  const isSame = registry.host === registryHost(target) && path !== target.path;
  return {
    manifest: ({ digest }) => registry.manifest(path, digest),
    others: () => (isSame ? [path] : []),
    blob: (descriptor) => ({
      sizeBytes: descriptor.size,
      open: () => Readable.from(verified({ registry, path }, descriptor, onBytes), { objectMode: false }),
    }),
  };
}

async function* verified(
  { registry, path }: RemoteRepository,
  descriptor: Descriptor,
  onBytes: TransferOptions['onBytes'],
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const { body } = await registry.blob(path, descriptor);
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk);
    onBytes?.(chunk.byteLength);
    yield chunk;
  }
  const digest = hash.digest('hex');
  compareDigest(`sha256:${digest}`, `sha256:${hexOf(descriptor.digest)}`, `blob '${descriptor.digest}'`);
}
