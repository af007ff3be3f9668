/**
 * `image import`: a root tar becomes an image of one layer. The blob is the tar as it was given, gzip or zstd or plain; one
 * in xz or bzip2, which no tool takes for a layer, is compressed anew.
 */

import { type Chunks, type Compression, decompress, sniff } from '../../archive/compress/decompress.js';
import { gzipped } from '../../archive/compress/gzip.js';
import type { Store } from '../../store/store.js';
import { noteImage } from '../catalog/note-image.js';
import type { Notices } from '../layer/entry-attributes.js';
import { hexOf } from '../oci/chain-id.js';
import { creationTime } from '../oci/creation-time.js';
import { jsonBytes } from '../oci/digest.js';
import {
  type Digest,
  type ImageConfig,
  type Manifest,
  MEDIA_TYPE,
  type Platform,
  type RunConfig,
} from '../oci/oci.js';
import { hostPlatform } from '../oci/platform.js';
import { ImageStage } from './image-stage.js';
import { type UnpackedLayer, type UnpackOptions, unpackLayer } from './unpack-layer.js';

interface ImportOptions extends UnpackOptions {
  /** `NAME:TAG`. */
  readonly name: string | undefined;
  readonly config: RunConfig;
  /** The comment of the history's only line. */
  readonly comment: string;
  readonly created?: Date;
  /** What it is for; this host by default. */
  readonly platform?: Platform | undefined;
}

interface Imported {
  /** Digest of the config. */
  readonly id: Digest;
  readonly notices: Notices;
}

const LAYER_TYPE: Readonly<Partial<Record<Compression, string>>> = {
  gzip: MEDIA_TYPE.layerGzip,
  zstd: MEDIA_TYPE.layerZstd,
};

/** The media type of a blob that asLayerBlob() gave. */
export function layerType(compression: Compression): string {
  return LAYER_TYPE[compression] ?? MEDIA_TYPE.layer;
}

/** A tar as it can be the blob of a layer. */
export async function* asLayerBlob(source: Chunks): AsyncGenerator<Buffer> {
  const { compression, packed } = await sniff(source);
  if (compression === 'xz' || compression === 'bzip2') yield* gzipped((await decompress(packed)).chunks);
  else yield* packed;
}

/** @throws UserError; the store is then as it was. */
export async function importImage(store: Store, source: Chunks, options: ImportOptions): Promise<Imported> {
  using stage = new ImageStage(store);
  const { digest, sizeBytes, result } = await stage.writeBlob(asLayerBlob(source), (chunks) =>
    unpackLayer(stage, chunks, { ...options, wantsEnd: true }),
  );
  const layer = { mediaType: layerType(result.compression), digest, size: sizeBytes };
  addUnpacked(stage, hexOf(result.diffId), result);
  const config = await stage.addBytes(jsonBytes(configOf(result.diffId, options)), MEDIA_TYPE.config);
  const manifest: Manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.manifest, config, layers: [layer] };
  const descriptor = await stage.addBytes(jsonBytes(manifest), MEDIA_TYPE.manifest);
  stage.publish([
    {
      manifest: descriptor,
      blobs: [config.digest, digest],
      layers: [hexOf(result.diffId)],
      names: options.name === undefined ? [] : [options.name],
    },
  ]);
  noteImage(store, config.digest, 'import', options.name);
  return { id: config.digest, notices: result.applied.notices };
}

export function addUnpacked(stage: ImageStage, hex: string, layer: UnpackedLayer, origin?: string): void {
  const { sizeBytes, entries, isRootOpaque } = layer.applied;
  const { diffId, tarBytes } = layer;
  const record = { diffId, tarBytes, sizeBytes, entries, isRootOpaque };
  stage.addLayer(hex, layer.staged, origin === undefined ? record : { ...record, origin });
}

function configOf(
  diffId: Digest,
  { config, comment, platform = hostPlatform(), created = creationTime() }: ImportOptions,
): ImageConfig {
  const time = created.toISOString();
  return {
    created: time,
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: time, created_by: 'plyfs image import', comment }],
  };
}
