/**
 * A layer from its blob to a directory that can be mounted: decompressed, hashed, read as a tar and applied in one pass.
 */

import { createHash } from 'node:crypto';
import { type Chunks, type Compression, decompress } from '../../archive/compress/decompress.js';
import { TarReader } from '../../archive/tar/reader.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../../linux/constants.js';
import { close, openat } from '../../linux/files/open.js';
import { nameFromText } from '../../vfs/name.js';
import { type AppliedLayer, LayerApplier } from '../layer/apply.js';
import { layerLimits, maxTarBytes } from '../layer/layer-limits.js';
import type { Digest } from '../oci/oci.js';
import type { ImageStage, StagedTree } from './image-stage.js';

export interface UnpackOptions {
  readonly skipDevices?: boolean;
  /** The tar must have its end mark: set where no digest tells that it is whole. */
  readonly wantsEnd?: boolean;
  /** Bytes of the uncompressed tar, as they come. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface UnpackedLayer {
  readonly staged: StagedTree;
  readonly applied: AppliedLayer;
  readonly diffId: Digest;
  /** The length of the uncompressed tar. */
  readonly tarBytes: number;
}

/** Takes a plain tar piece by piece. */
export class LayerUnpacker implements Disposable {
  readonly #staged: StagedTree;
  readonly #options: UnpackOptions;
  readonly #hash = createHash('sha256');
  readonly #fds: number[] = [];
  #bytes = 0;
  readonly #maxBytes: number;
  readonly #applier: LayerApplier;
  readonly #reader: TarReader;

  /** Into a new directory of the stage. */
  constructor(stage: ImageStage, options: UnpackOptions) {
    this.#staged = stage.newTree();
    this.#options = options;
    const limits = layerLimits();
    this.#maxBytes = maxTarBytes(limits);
    this.#applier = new LayerApplier({
      rootFd: this.#open(this.#staged.tree),
      trashFd: this.#open(this.#staged.trash),
      limits,
      skipDevices: options.skipDevices === true,
    });
    this.#reader = new TarReader(this.#applier);
  }

  /** @throws UserError for a tar that is hostile, damaged or too large. */
  write(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) {
      throw new UserError(`the layer's tar is larger than ${this.#maxBytes} bytes`, {
        hint: 'set PLYFS_LAYER_BYTES if that is right',
      });
    }
    this.#reader.write(chunk);
    this.#options.onBytes?.(chunk.length);
  }

  finish(): UnpackedLayer {
    this.#reader.finish({ wantsEnd: this.#options.wantsEnd === true });
    const applied = this.#applier.finish();
    const diffId = `sha256:${this.#hash.digest('hex')}`;
    return { staged: this.#staged, applied, diffId, tarBytes: this.#bytes };
  }

  [Symbol.dispose](): void {
    this.#applier.close();
    for (const fd of this.#fds.splice(0)) close(fd);
  }

  #open(path: string): number {
    const fd = check(openat(AT_FDCWD, nameFromText(path), O_RDONLY | O_DIRECTORY), 'open', path);
    this.#fds.push(fd);
    return fd;
  }
}

/** @throws UserError for a tar that is hostile, damaged or too large. */
export async function unpackLayer(
  stage: ImageStage,
  source: Chunks,
  options: UnpackOptions = {},
): Promise<UnpackedLayer & { readonly compression: Compression }> {
  const { compression, chunks } = await decompress(source);
  using unpacker = new LayerUnpacker(stage, options);
  for await (const chunk of chunks) unpacker.write(chunk);
  return { ...unpacker.finish(), compression };
}
