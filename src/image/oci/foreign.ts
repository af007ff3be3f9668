/** Layers that may not be distributed: their descriptors say where they are got (image-spec 1.1, "Non-Distributable Layers"). */

import type { Descriptor } from './oci.js';

/** Empty for a layer that registries have. What is no address of the web is left out. */
export function foreignAddresses({ mediaType, urls = [] }: Pick<Descriptor, 'mediaType' | 'urls'>): URL[] {
  if (!/foreign|nondistributable/.test(mediaType)) return [];
  const found = urls.flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []));
  return found.filter(({ protocol }) => protocol === 'https:' || protocol === 'http:');
}
