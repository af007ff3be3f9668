/** What every inspect of an image shows of its config, whether the image is in the store or in a registry. */

import type { Digest, ImageConfig } from './oci.js';

export interface ImageFacts {
  readonly Created: string;
  readonly Author: string;
  readonly Architecture: string;
  readonly Variant: string;
  readonly Os: string;
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly Digest[] };
}

export function imageFacts({ created, author, architecture, variant, os, rootfs }: ImageConfig): ImageFacts {
  return {
    Created: created ?? '',
    Author: author ?? '',
    Architecture: architecture,
    Variant: variant ?? '',
    Os: os,
    RootFS: { Type: 'layers', Layers: rootfs.diff_ids },
  };
}
