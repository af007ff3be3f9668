/**
 * chainIDs, by which unpacked layers are known: image-spec, config.md, "Layer ChainID".
 */

import { createHash } from 'node:crypto';
import type { Digest } from './oci.js';

/** The chainID after each diffID, bottom first, as `sha256:HEX`. */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : `sha256:${sha256(`${below} ${diffId}`)}`);
  }
  return chain;
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The hex of a digest: the name of a layer's directory, or of a blob. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}
