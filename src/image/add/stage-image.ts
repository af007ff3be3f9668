/**
 * Brings an image's blobs and layers into the stage: those that the store lacks, several at a time, each verified.
 */

import { availableParallelism } from 'node:os';
import type { Chunks } from '../../archive/compress/decompress.js';
import { openInput } from '../../archive/streams/input.js';
import type { Notices } from '../layer/entry-attributes.js';
import type { FoundImage, FoundLayer } from '../layout/found-image.js';
import { chainIds, hexOf } from '../oci/chain-id.js';
import { compareDigest, compareSize, jsonBytes } from '../oci/digest.js';
import { type Descriptor, type Digest, IMAGE_INDEX, type Manifest, MEDIA_TYPE } from '../oci/oci.js';
import type { ImageStage, NewImage } from './image-stage.js';
import { asLayerBlob, layerType } from './import-image.js';
import { settleLayers } from './settle-layers.js';
import { type UnpackedLayer, type UnpackOptions, unpackLayer } from './unpack-layer.js';

interface StageOptions extends UnpackOptions {
  /** Gets what was left out of layers. */
  readonly notices: Notices;
}

interface StagedImage extends NewImage {
  /** Digest of the config. */
  readonly id: Digest;
}

/** @throws UserError for a blob or layer that is not what the image says. */
export async function stageImage(
  stage: ImageStage,
  image: FoundImage,
  options: StageOptions,
): Promise<StagedImage> {
  const chain = chainIds(image.config.rootfs.diff_ids).map(hexOf);
  const done = await inTurns(image.layers, (layer, index) =>
    stageLayer(stage, layer, chain[index]!, options),
  );
  settleLayers(
    stage,
    chain,
    done.map(({ unpacked }) => unpacked),
    options.notices,
  );
  const config = await stage.addBytes(image.configBytes, image.configType);
  const layers = done.map(({ blob }) => blob);
  const manifest = await stageManifest(stage, image, config, layers);
  const index = await stageIndex(stage, image);
  return {
    id: config.digest,
    manifest: index === undefined ? manifest : { ...manifest, annotations: { [IMAGE_INDEX]: index[0]! } },
    blobs: [config.digest, ...layers.map(({ digest }) => digest), ...(index ?? [])],
    layers: chain,
    names: image.names,
  };
}

/** @returns the digests of an index and of all that comes with it, the index first. */
async function stageIndex(stage: ImageStage, { index }: FoundImage): Promise<Digest[] | undefined> {
  if (index === undefined) return undefined;
  const { digest } = await stage.addBytes(index.bytes, index.mediaType);
  for (const blob of index.blobs) {
    if (!stage.hasBlob(blob.digest)) await stage.copyBlob(blob.open(), blob.digest);
  }
  return [digest, ...index.blobs.map((blob) => blob.digest)];
}

async function stageManifest(
  stage: ImageStage,
  image: FoundImage,
  config: Descriptor,
  layers: readonly Descriptor[],
): Promise<Descriptor> {
  if (image.manifestBytes !== undefined) {
    return stage.addBytes(image.manifestBytes, image.manifestType ?? MEDIA_TYPE.manifest);
  }
  const manifest: Manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.manifest, config, layers };
  return stage.addBytes(jsonBytes(manifest), MEDIA_TYPE.manifest);
}

interface StagedLayer {
  readonly blob: Descriptor;
  /** Absent: the store has it. */
  readonly unpacked: UnpackedLayer | undefined;
}

async function stageLayer(
  stage: ImageStage,
  layer: FoundLayer,
  hex: string,
  options: StageOptions,
): Promise<StagedLayer> {
  const known = layer.digest !== undefined && stage.hasBlob(layer.digest) ? layer.digest : undefined;
  if (known !== undefined) {
    const blob = { mediaType: layer.mediaType ?? MEDIA_TYPE.layer, digest: known, size: stage.sizeOf(known) };
    if (stage.hasLayer(hex)) return { blob, unpacked: undefined };
    const unpacked = await unpackLayer(stage, openInput(stage.pathOf(known)), options);
    compareDigest(unpacked.diffId, layer.diffId, 'a layer');
    return { blob, unpacked };
  }
  const unpack = (chunks: Chunks): ReturnType<typeof unpackLayer> => unpackLayer(stage, chunks, options);
  const { digest, sizeBytes, result } = await (layer.file === undefined
    ? stage.writeBlob(layer.digest === undefined ? asLayerBlob(layer.open()) : layer.open(), unpack)
    : stage.adoptBlob(layer.open(), layer.file, unpack));
  compareDigest(digest, layer.digest, 'a blob');
  compareSize(sizeBytes, layer.sizeBytes, `blob '${digest}'`);
  compareDigest(result.diffId, layer.diffId, 'a layer');
  const mediaType = layer.mediaType ?? layerType(result.compression);
  return { blob: { mediaType, digest, size: sizeBytes }, unpacked: result };
}

/** As many at a time as there are cores; results in order. After a failure no further one is begun. */
async function inTurns<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let isFailed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !isFailed) {
      const index = next++;
      try {
        results[index] = await work(items[index]!, index);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.min(availableParallelism(), items.length) }, worker);
  const outcomes = await Promise.allSettled(workers);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return results;
}
