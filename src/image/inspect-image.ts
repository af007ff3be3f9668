/**
 * `image inspect`: an image as docker shows one.
 */

import type { Store } from '../store/store.js';
import { type Image, layerTreePath } from './image-index.js';
import { sizeOf } from './list-rows.js';
import type { ImageConfig } from './oci.js';

export interface InspectedImage {
  readonly Id: string;
  readonly Digest: string;
  readonly RepoTags: readonly string[];
  /** `HOST/PATH@DIGEST` by which it was pulled. */
  readonly RepoDigests: readonly string[];
  readonly Comment: string;
  readonly Created: string;
  readonly Author: string;
  readonly Architecture: string;
  readonly Variant: string;
  readonly Os: string;
  /** Of the files in all layers. */
  readonly Size: number;
  readonly Config: NonNullable<ImageConfig['config']>;
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly string[] };
  /** Where the layers are unpacked, bottom first. */
  readonly LayerDirectories: readonly string[];
}

export function inspectImage(store: Store, image: Image): InspectedImage {
  const { config } = image;
  return {
    Id: image.id,
    Digest: image.manifestDigest,
    RepoTags: image.names,
    RepoDigests: image.pulledBy,
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    Author: config.author ?? '',
    Architecture: config.architecture,
    Variant: config.variant ?? '',
    Os: config.os,
    Size: sizeOf(store, image),
    Config: config.config ?? {},
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    LayerDirectories: image.layers.map((hex) => layerTreePath(store, hex)),
  };
}
