/**
 * An image into a repository of a registry, from wherever its parts come: manifests and indexes as they are, with all that
 * they name, children before parents. Nothing is unpacked. What the registry has is not sent again; what another
 * repository of it may have is taken over from there.
 */

import { UserError } from '../../errno/user-error.js';
import { sha256 } from '../oci/chain-id.js';
import { compareDigest } from '../oci/digest.js';
import { foreignAddresses } from '../oci/foreign.js';
import { checkIndex, checkManifest, parseJson } from '../oci/image-json.js';
import type { Descriptor, Digest } from '../oci/oci.js';
import type { BodySource } from './http.js';
import type { TransferOptions } from './pull-image.js';
import { isManifestType, type ReceivedManifest, type Registry } from './registry.js';

/** Where the parts of an image come from. */
export interface PartSource {
  /** Unverified. @throws UserError when there is none. */
  manifest(descriptor: Descriptor): Promise<ReceivedManifest>;
  blob(descriptor: Descriptor): BodySource;
  /** Repositories of the target's registry that may have the blob. */
  others(digest: Digest): readonly string[];
}

export interface TransferTarget {
  readonly registry: Registry;
  readonly path: string;
  /** A tag or a digest. */
  readonly reference: string;
}

export interface Transferred {
  /** The digest of the manifest or index under the name. */
  readonly digest: Digest;
  readonly sentBlobs: number;
}

const CONCURRENT_BLOBS = 3;
const MAX_DEPTH = 4;
const MAX_MANIFESTS = 1000;

/** @throws UserError; what has been sent stays, without a name. */
export async function transferImage(
  source: PartSource,
  top: ReceivedManifest,
  target: TransferTarget,
  options: TransferOptions,
): Promise<Transferred> {
  const parts = { manifests: new Map<Digest, ReceivedManifest>(), blobs: new Map<Digest, Descriptor>() };
  const digest: Digest = `sha256:${sha256(top.bytes)}`;
  await gather({ source, target, parts }, top, 0);
  const sentBlobs = await sendBlobs(source, target, [...parts.blobs.values()], options);
  for (const [child, manifest] of parts.manifests)
    await target.registry.putManifest(target.path, child, manifest);
  await target.registry.putManifest(target.path, target.reference, top);
  return { digest, sentBlobs };
}

interface Gathering {
  readonly source: PartSource;
  readonly target: TransferTarget;
  readonly parts: {
    /** Below the top, children before parents. */
    readonly manifests: Map<Digest, ReceivedManifest>;
    readonly blobs: Map<Digest, Descriptor>;
  };
}

async function gather(gathering: Gathering, { bytes }: ReceivedManifest, depth: number): Promise<void> {
  const fields = parseJson(bytes, 'the manifest');
  if (!Array.isArray(fields.manifests)) {
    const { config, layers } = checkManifest(fields);
    for (const blob of [...layers, config])
      if (!(foreignAddresses(blob).length > 0)) gathering.parts.blobs.set(blob.digest, blob);
    return;
  }
  if (depth >= MAX_DEPTH) throw new UserError('invalid image: indexes lead to each other');
  for (const descriptor of checkIndex(fields, 'an index').manifests)
    await gatherChild(gathering, descriptor, depth);
}

async function gatherChild(gathering: Gathering, descriptor: Descriptor, depth: number): Promise<void> {
  const { source, target, parts } = gathering;
  const { digest } = descriptor;
  if (parts.manifests.has(digest) || (await target.registry.hasManifest(target.path, digest))) return;
  if (parts.manifests.size >= MAX_MANIFESTS) {
    throw new UserError(`invalid image: it has more than ${MAX_MANIFESTS} manifests`);
  }
  const child = await source.manifest(descriptor);
  compareDigest(`sha256:${sha256(child.bytes)}`, digest, `manifest '${digest}'`);
  const type = isManifestType(descriptor.mediaType) ? descriptor.mediaType : child.mediaType;
  await gather(gathering, child, depth + 1);
  parts.manifests.set(digest, { bytes: child.bytes, mediaType: type });
}

/** @returns how many the registry did not have. */
async function sendBlobs(
  source: PartSource,
  target: TransferTarget,
  blobs: Descriptor[],
  options: TransferOptions,
): Promise<number> {
  let sent = 0;
  let totalBytes = blobs.reduce((sum, { size }) => sum + size, 0);
  options.onTotal?.(totalBytes);
  const send = async (): Promise<void> => {
    for (let blob = blobs.shift(); blob !== undefined; blob = blobs.shift()) {
      if (await sendBlob(source, target, blob)) sent += 1;
      else {
        totalBytes -= blob.size;
        options.onTotal?.(totalBytes);
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: CONCURRENT_BLOBS }, send));
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return sent;
}

/** @returns false when the registry had it. */
async function sendBlob(
  source: PartSource,
  { registry, path }: TransferTarget,
  blob: Descriptor,
): Promise<boolean> {
  if (await registry.hasBlob(path, blob.digest)) return false;
  let begun: URL | undefined;
  for (const from of source.others(blob.digest)) {
    const mounted = await registry.mountBlob(path, blob.digest, from);
    if (mounted === true) return false;
    // It is not there, and would not be in the next one: the registry has begun to receive it instead.
    if (mounted !== false) begun = mounted;
    if (begun !== undefined) break;
  }
  await registry.putBlob(path, blob.digest, source.blob(blob), begun);
  return true;
}
