/**
 * An image of a registry as an ImageSource.
 */

import { join } from 'node:path';
import { hexOf } from '../chain-id.js';
import type { ImageStage } from '../image-stage.js';
import { isIndexType } from '../manifest.js';
import { type Descriptor, MEDIA_TYPE } from '../oci.js';
import type { ImageSource } from '../receive-image.js';
import type { Registry } from './client.js';
import { downloadBlob } from './download.js';

const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

export class RegistrySource implements ImageSource {
  readonly name: string;
  readonly #registry: Registry;
  readonly #repository: string;
  readonly #onBytes: (count: number) => void;

  constructor(registry: Registry, repository: string, name: string, onBytes: (count: number) => void) {
    this.#registry = registry;
    this.#repository = repository;
    this.name = name;
    this.#onBytes = onBytes;
  }

  async read(descriptor: Descriptor): Promise<Buffer> {
    const { mediaType, digest, size } = descriptor;
    if (isIndexType(mediaType) || mediaType === MEDIA_TYPE.manifest || mediaType === DOCKER_MANIFEST) {
      return (await this.#registry.manifest(this.#repository, digest)).bytes;
    }
    return this.#registry.smallBlob(this.#repository, digest, size);
  }

  /** The blob lies in `images/partial/` until the stage is published, so that a later command can go on with it. */
  async stageLayer<T>(
    stage: ImageStage,
    descriptor: Descriptor,
    use: (chunks: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<T> {
    const path = join(stage.store.path('images', 'partial'), hexOf(descriptor.digest));
    const blob = downloadBlob({
      registry: this.#registry,
      repository: this.#repository,
      descriptor,
      path,
      onBytes: this.#onBytes,
    });
    // Who stops reading early (a layer that is known) does not end the download.
    const rest: AsyncIterable<Buffer> = { [Symbol.asyncIterator]: () => ({ next: () => blob.next() }) };
    try {
      const result = await use(rest);
      for await (const _ of rest);
      stage.adoptBlob(descriptor.digest, path);
      return result;
    } finally {
      await blob.return(undefined);
    }
  }
}
