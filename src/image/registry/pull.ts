/**
 * `image pull`: an image of a registry into the store.
 */

import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { sha256 } from '../chain-id.js';
import { compareDigest } from '../digest.js';
import { findImage } from '../image-index.js';
import { ImageStage } from '../image-stage.js';
import type { Digest, Platform } from '../oci.js';
import { receiveImage } from '../receive-image.js';
import { formatReference, type Reference } from '../reference.js';
import { Registry } from './client.js';
import { findCredentials } from './credentials.js';
import { RegistrySource } from './source.js';

export interface TransferOptions {
  readonly insecure?: boolean;
  /** Bytes that came, or went, by the network. */
  readonly onBytes?: (count: number) => void;
}

export interface PullOptions extends TransferOptions {
  readonly platform: Platform;
  readonly skipDevices?: boolean;
}

export interface Pulled {
  /** Digest of the config. */
  readonly id: Digest;
  /** Of what the name leads to in the registry: a manifest or an index. */
  readonly digest: Digest;
  /** The store had it under this name already. */
  readonly wasUpToDate: boolean;
}

/** A blob that was counted on may be removed by another command: then once more. */
const PUBLISH_ATTEMPTS = 3;

/** @throws UserError; the store is then as it was, but for what a later pull can go on with. */
export async function pullImage(store: Store, reference: Reference, options: PullOptions): Promise<Pulled> {
  const host = hostOf(reference);
  const { path, tag } = reference;
  const name = formatReference(reference);
  using registry = new Registry(host, {
    credentials: findCredentials(host),
    insecure: options.insecure === true,
  });
  const top = await registry.manifest(path, reference.digest ?? reference.tag ?? 'latest');
  const digest = `sha256:${sha256(top.bytes)}`;
  compareDigest(digest, reference.digest, `the manifest of '${name}'`);
  // `NAME@DIGEST` is no name to list: the image is found by its digest.
  const names = tag === undefined ? [] : [formatReference({ host, path, tag })];
  const before = findKnown(store, name);
  const source = new RegistrySource(registry, path, name, options.onBytes ?? (() => undefined));
  for (let attempt = 1; attempt <= PUBLISH_ATTEMPTS; attempt += 1) {
    using stage = new ImageStage(store);
    const { image, id } = await receiveImage(stage, source, top, {
      platform: options.platform,
      names,
      skipDevices: options.skipDevices === true,
    });
    if (stage.publish([image])) return { id, digest, wasUpToDate: before === id };
  }
  throw new UserError(`cannot pull '${name}': other commands remove its layers meanwhile`);
}

/** @throws UserError for a name without a host. */
export function hostOf(reference: Reference): string {
  if (reference.host !== undefined) return reference.host;
  const name = formatReference(reference);
  throw new UserError(`'${name}' names no registry`, {
    hint: `write HOST/${name}, for instance localhost:5000/${name}`,
  });
}

function findKnown(store: Store, name: string): Digest | undefined {
  return findImage(store, name)?.id;
}
