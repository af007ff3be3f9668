/**
 * A layer from its blob to a directory that can be mounted: hashed, decompressed, read as a tar and applied in one pass.
 */

import { createHash } from 'node:crypto';
import { check } from '../errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../linux/constants.js';
import { close, openat } from '../linux/open.js';
import { nameFromText } from '../vfs/name.js';
import { type Chunks, type Compression, decompress } from './decompress.js';
import type { ImageStage, StagedTree } from './image-stage.js';
import { type AppliedLayer, LayerApplier } from './layer/apply.js';
import { layerLimits } from './layer/limits.js';
import type { Digest } from './oci.js';
import { TarReader } from './tar/reader.js';

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
  readonly compression: Compression;
  readonly diffId: Digest;
}

/** Into a new directory of the stage. @throws UserError for a tar that is hostile, damaged or too large. */
export async function unpackLayer(
  stage: ImageStage,
  source: Chunks,
  options: UnpackOptions = {},
): Promise<UnpackedLayer> {
  const staged = stage.newTree();
  const hash = createHash('sha256');
  const { compression, chunks } = await decompress(source);
  const rootFd = openDirectory(staged.tree);
  const trashFd = openDirectory(staged.trash);
  const applier = new LayerApplier({
    rootFd,
    trashFd,
    limits: layerLimits(),
    skipDevices: options.skipDevices === true,
  });
  try {
    const reader = new TarReader(applier);
    for await (const chunk of chunks) {
      hash.update(chunk);
      reader.write(chunk);
      options.onBytes?.(chunk.length);
    }
    reader.finish(options.wantsEnd === true);
    const applied = applier.finish();
    return { staged, applied, compression, diffId: `sha256:${hash.digest('hex')}` };
  } finally {
    applier.close();
    close(rootFd);
    close(trashFd);
  }
}

function openDirectory(path: string): number {
  return check(openat(AT_FDCWD, nameFromText(path), O_RDONLY | O_DIRECTORY), 'open', path);
}
