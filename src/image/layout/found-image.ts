/**
 * An image as an archive or a registry offers it, before its layers are read.
 */

import type { Chunks } from '../../archive/compress/decompress.js';
import type { Digest, ImageConfig } from '../oci/oci.js';

export interface FoundLayer {
  /** The digest of the blob; undefined where only the config tells what is right (docker-archive). */
  readonly digest: Digest | undefined;
  /** As the manifest has it. */
  readonly sizeBytes: number | undefined;
  readonly diffId: Digest;
  /** As the manifest has it. */
  readonly mediaType: string | undefined;
  /** Read at most once, and only where the store lacks the blob. */
  open(): Chunks;
  /** A file that is the blob, verified, when `open()` was read to its end: it is taken over, and not written again. */
  readonly file?: string;
}

export interface FoundImage {
  /** Names to give it, `NAME:TAG`. */
  readonly names: readonly string[];
  /** What the archive calls it, and nothing can be called. */
  readonly wrongNames?: readonly string[];
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
  readonly configType: string;
  /** Absent: the archive has none that could be kept; one is made. */
  readonly manifestBytes: Buffer | undefined;
  readonly manifestType: string | undefined;
  readonly layers: readonly FoundLayer[];
  readonly index?: FoundIndex | undefined;
}

/** The index, for several platforms, that an image was chosen from. */
export interface FoundIndex {
  readonly bytes: Buffer;
  readonly mediaType: string;
  /** All blobs below it that the source has, the image's own too. */
  readonly blobs: readonly { readonly digest: Digest; open(): Chunks }[];
}
