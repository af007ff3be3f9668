/**
 * An image from anywhere into a stage: manifest chosen, config and layers verified, layers unpacked as they come.
 *
 * Where blobs come from (a registry, a layout, an archive) is an ImageSource. Several layers are on their way at once;
 * each is downloaded, hashed and unpacked in one pass.
 */

import { UserError } from '../errno/user-error.js';
import { chainIds, hexOf } from './chain-id.js';
import type { Chunks } from './decompress.js';
import { compareDigest } from './digest.js';
import type { ImageStage, NewImage } from './image-stage.js';
import { openInput } from './input.js';
import type { Notices } from './layer/attributes.js';
import { choosePlatform, isIndex, parseConfig, parseManifest, verifyBytes } from './manifest.js';
import {
  type Descriptor,
  type Digest,
  type ImageConfig,
  type Manifest,
  MEDIA_TYPE,
  type Platform,
} from './oci.js';
import { settleLayers } from './settle-layers.js';
import { type UnpackedLayer, unpackLayer } from './unpack-layer.js';

export interface ImageSource {
  /** For errors: the image's name there. */
  readonly name: string;
  /** A small blob: a config, or a manifest of an index. It need not be verified. */
  read(descriptor: Descriptor): Promise<Buffer>;
  /** Stages a layer's blob, verified, while `use` reads it. */
  stageLayer<T>(
    stage: ImageStage,
    descriptor: Descriptor,
    use: (chunks: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<T>;
}

export interface ReceiveOptions {
  readonly platform: Platform;
  /** Of the new image: `NAME:TAG`. */
  readonly names: readonly string[];
  readonly skipDevices?: boolean;
  /** Gets what was left out of layers. */
  readonly notices?: Notices;
  /** A layer is there: known before, or staged now. */
  readonly onLayer?: (digest: Digest, wasKnown: boolean) => void;
}

export interface ReceivedImage {
  readonly image: NewImage;
  /** Digest of the config. */
  readonly id: Digest;
  readonly config: ImageConfig;
}

/** Layers on their way at once; each has a file, a hash and an inflater of its own. */
const CONCURRENT_LAYERS = 3;
const MAX_INDEX_DEPTH = 4;
const MAX_SMALL_BLOB_BYTES = 16 * 1024 * 1024;

/**
 * @param top the bytes that the image's name leads to: a manifest or an index, verified where there was a digest.
 * @throws UserError for anything that is wrong with it; what was staged goes with the stage.
 */
export async function receiveImage(
  stage: ImageStage,
  source: ImageSource,
  top: { readonly bytes: Buffer; readonly mediaType: string },
  options: ReceiveOptions,
): Promise<ReceivedImage> {
  const { manifest, bytes, mediaType } = await findManifest(source, top, options.platform);
  const configBytes = await readSmall(source, manifest.config, `the config of '${source.name}'`);
  const config = parseConfig(configBytes, manifest.layers.length, `'${source.name}'`);
  const chain = chainIds(config.rootfs.diff_ids).map(hexOf);
  const unpacked = await receiveLayers(stage, source, manifest, config, chain, options);
  settleLayers(stage, chain, unpacked, options.notices ?? new Map());
  await stage.addBytes(configBytes, manifest.config.mediaType);
  const descriptor = await stage.addBytes(bytes, manifest.mediaType ?? (mediaType || MEDIA_TYPE.manifest));
  const platform = { architecture: config.architecture, os: config.os };
  return {
    image: {
      manifest: {
        ...descriptor,
        platform: config.variant ? { ...platform, variant: config.variant } : platform,
      },
      blobs: [manifest.config.digest, ...manifest.layers.map(({ digest }) => digest)],
      layers: chain,
      names: options.names,
    },
    id: manifest.config.digest,
    config,
  };
}

interface FoundManifest {
  readonly manifest: Manifest;
  readonly bytes: Buffer;
  readonly mediaType: string;
}

/** Through indexes, of which each names the next by digest: none can name itself, but they may be deep. */
async function findManifest(
  source: ImageSource,
  top: { readonly bytes: Buffer; readonly mediaType: string },
  platform: Platform,
): Promise<FoundManifest> {
  let { bytes, mediaType } = top;
  for (let depth = 0; depth <= MAX_INDEX_DEPTH; depth += 1) {
    const value = parseManifest(bytes, `the manifest of '${source.name}'`);
    if (!isIndex(value)) return { manifest: value, bytes, mediaType };
    const chosen = choosePlatform(value, platform, `'${source.name}'`);
    bytes = await readSmall(source, chosen, `a manifest of '${source.name}'`);
    mediaType = chosen.mediaType;
  }
  throw new UserError(
    `invalid image: '${source.name}' is an index of indexes, more than ${MAX_INDEX_DEPTH} deep`,
  );
}

async function readSmall(source: ImageSource, descriptor: Descriptor, what: string): Promise<Buffer> {
  if (descriptor.size > MAX_SMALL_BLOB_BYTES) {
    throw new UserError(`invalid image: ${what} is larger than ${MAX_SMALL_BLOB_BYTES} bytes`);
  }
  const bytes = await source.read(descriptor);
  verifyBytes(bytes, descriptor, what);
  return bytes;
}

async function receiveLayers(
  stage: ImageStage,
  source: ImageSource,
  manifest: Manifest,
  config: ImageConfig,
  chain: readonly string[],
  options: ReceiveOptions,
): Promise<(UnpackedLayer | undefined)[]> {
  const unpacked = new Array<UnpackedLayer | undefined>(chain.length);
  // The same blob may stand in several places (empty layers): one after the other, the first brings it.
  const groups = new Map<Digest, (() => Promise<void>)[]>();
  for (const [index, descriptor] of manifest.layers.entries()) {
    const diffId = config.rootfs.diff_ids[index]!;
    const receive = async (): Promise<void> => {
      unpacked[index] = await receiveLayer(
        stage,
        source,
        descriptor,
        { hex: chain[index]!, diffId },
        options,
      );
    };
    groups.set(descriptor.digest, [...(groups.get(descriptor.digest) ?? []), receive]);
  }
  const waiting = [...groups.values()];
  let hasFailed = false;
  const worker = async (): Promise<void> => {
    for (let group = waiting.shift(); group !== undefined && !hasFailed; group = waiting.shift()) {
      for (const receive of group) await receive();
    }
  };
  const workers = Array.from({ length: CONCURRENT_LAYERS }, () =>
    worker().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  // All have ended before the stage goes away below them; the first fault is the one to report.
  const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return unpacked;
}

async function receiveLayer(
  stage: ImageStage,
  source: ImageSource,
  descriptor: Descriptor,
  { hex, diffId }: { readonly hex: string; readonly diffId: Digest },
  options: ReceiveOptions,
): Promise<UnpackedLayer | undefined> {
  const { digest } = descriptor;
  let unpacked: UnpackedLayer | undefined;
  const wasKnown = stage.hasBlob(digest) && stage.hasLayer(hex);
  const unpack = async (chunks: Chunks): Promise<void> => {
    if (stage.hasLayer(hex)) return;
    const layer = await unpackLayer(stage, chunks, { skipDevices: options.skipDevices === true });
    compareDigest(layer.diffId, diffId, `layer '${digest}' of '${source.name}'`);
    unpacked = layer;
  };
  if (!stage.hasBlob(digest)) await source.stageLayer(stage, descriptor, unpack);
  else if (!stage.hasLayer(hex)) await unpack(openInput(stage.pathOf(digest)));
  options.onLayer?.(digest, wasKnown);
  return unpacked;
}
