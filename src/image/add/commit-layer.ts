/**
 * `commit`: an upper directory becomes a layer on top of an image's, as a blob and unpacked, in one pass.
 */

import type { Chunks } from '../../archive/compress/decompress.js';
import { gzipped } from '../../archive/compress/gzip.js';
import { tarOfChanges } from '../../archive/tree/tar-changes.js';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import type { Image } from '../catalog/image-index.js';
import { layerTreePaths } from '../catalog/layer-record.js';
import { noteImage } from '../catalog/note-image.js';
import { chainIds, hexOf } from '../oci/chain-id.js';
import { creationTime } from '../oci/creation-time.js';
import { jsonBytes } from '../oci/digest.js';
import {
  type Descriptor,
  type Digest,
  type HistoryEntry,
  type ImageConfig,
  type Manifest,
  MEDIA_TYPE,
  type RunConfig,
} from '../oci/oci.js';
import { ImageStage, type NewImage } from './image-stage.js';
import { addUnpacked } from './import-image.js';
import { LayerUnpacker, type UnpackedLayer } from './unpack-layer.js';

interface CommitOptions extends DerivedImage {
  /** The upper of the container. */
  readonly upper: Name;
  readonly work: Name;
  /** What was the container's upper before, bottom first: each becomes a layer of its own. */
  readonly earlier?: readonly Name[];
  /** Seconds: no time of a file is later. */
  readonly latestSec?: number | undefined;
}

/** What an image is that has one layer more than another. */
export interface DerivedImage {
  /** The image below. */
  readonly image: Image;
  /** What the new image runs: the image's own, changed. */
  readonly config: RunConfig;
  /** `NAME:TAG`; without one the image is dangling. */
  readonly names: readonly string[];
  readonly author?: string | undefined;
  readonly comment?: string | undefined;
  /** The command that ran, for the history's new line. */
  readonly createdBy?: string | undefined;
  readonly created?: Date | undefined;
  /** Annotations of the manifest's descriptor in the store's index. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface Committed {
  /** Digest of the config. */
  readonly id: Digest;
  /** What was left out, with how many entries it was. */
  readonly notices: ReadonlyMap<string, number>;
}

/** The container should not write meanwhile. @throws UserError; the store is then as it was. */
export async function commitLayer(store: Store, options: CommitOptions): Promise<Committed> {
  using stage = new ImageStage(store);
  const lowers = layerTreePaths(store, options.image.layers).map(nameFromText);
  const { upper, work, latestSec, earlier = [] } = options;
  const packed: PackedLayer[] = [];
  const notices = new Map<string, number>();
  for (const [at, tree] of [...earlier, upper].entries()) {
    const layers = [...lowers, ...earlier.slice(0, at)];
    // Of all names of a file each has a link in a layer: it needs no index.
    const tar = tarOfChanges({
      layers,
      upper: tree,
      work: tree === upper ? work : `${tree}.work`,
      latestSec,
    });
    packed.push(await packLayer(stage, tar.chunks));
    for (const [what, count] of tar.notices) notices.set(what, (notices.get(what) ?? 0) + count);
  }
  const derived = await stageDerived(stage, options, packed);
  if (!stage.publish([derived]))
    throw new UserError(`cannot commit: the image '${options.image.id}' was removed meanwhile`);
  for (const name of options.names) noteImage(store, derived.id, 'tag', name);
  return { id: derived.id, notices };
}

interface PackedLayer {
  readonly blob: Descriptor;
  readonly unpacked: UnpackedLayer;
}

/** A plain tar of our own making: compressed into a blob and unpacked at the same time. */
async function packLayer(stage: ImageStage, tar: Chunks): Promise<PackedLayer> {
  using unpacker = new LayerUnpacker(stage, {});
  const { digest, sizeBytes } = await stage.writeBlob(gzipped(seen(tar, unpacker)), async () => undefined);
  const blob = { mediaType: MEDIA_TYPE.layerGzip, digest, size: sizeBytes };
  return { blob, unpacked: unpacker.finish() };
}

async function* seen(tar: Chunks, unpacker: LayerUnpacker): AsyncGenerator<Buffer> {
  for await (const chunk of tar) {
    unpacker.write(chunk);
    yield chunk;
  }
}

/** Config and manifest of the image below with the layer on top; to be published with the stage. */
async function stageDerived(
  stage: ImageStage,
  options: DerivedImage,
  packed: readonly PackedLayer[],
): Promise<NewImage & { readonly id: Digest }> {
  const { image } = options;
  const created = (options.created ?? creationTime()).toISOString();
  const below = image.config.rootfs.diff_ids;
  const diffIds = [...below, ...packed.map(({ unpacked }) => unpacked.diffId)];
  const layers = chainIds(diffIds).map(hexOf);
  for (const [at, { unpacked }] of packed.entries()) addUnpacked(stage, layers[below.length + at]!, unpacked);
  const history: HistoryEntry = {
    created,
    created_by: options.createdBy ?? '',
    ...(options.author === undefined ? {} : { author: options.author }),
    ...(options.comment === undefined ? {} : { comment: options.comment }),
  };
  const config: ImageConfig = {
    ...image.config,
    created,
    ...(options.author === undefined ? {} : { author: options.author }),
    config: options.config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: [...(image.config.history ?? []), ...packed.map(() => history)],
  };
  const descriptor = await stage.addBytes(jsonBytes(config), MEDIA_TYPE.config);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: descriptor,
    layers: [...image.manifest.layers.map(asOciLayer), ...packed.map(({ blob }) => blob)],
  };
  const stored = await stage.addBytes(jsonBytes(manifest), MEDIA_TYPE.manifest);
  return {
    id: descriptor.digest,
    manifest: options.annotations === undefined ? stored : { ...stored, annotations: options.annotations },
    blobs: [descriptor.digest, ...manifest.layers.map(({ digest }) => digest)],
    layers,
    names: options.names,
  };
}

const DOCKER_LAYERS: Readonly<Record<string, string>> = {
  'application/vnd.docker.image.rootfs.diff.tar': MEDIA_TYPE.layer,
  'application/vnd.docker.image.rootfs.diff.tar.gzip': MEDIA_TYPE.layerGzip,
  'application/vnd.docker.image.rootfs.diff.tar.zstd': MEDIA_TYPE.layerZstd,
};

/** Docker's layer types are the same bytes under other names. */
function asOciLayer(layer: Descriptor): Descriptor {
  return { ...layer, mediaType: DOCKER_LAYERS[layer.mediaType] ?? layer.mediaType };
}
