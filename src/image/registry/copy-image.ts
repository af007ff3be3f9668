/**
 * `image copy`: an image from one registry to another, or under another name, without the store: all platforms, or one.
 */

import { UserError } from '../../errno/user-error.js';
import { chooseManifest } from '../layout/read-oci.js';
import { sha256 } from '../oci/chain-id.js';
import { compareDigest } from '../oci/digest.js';
import type { Platform } from '../oci/oci.js';
import { formatReference, type Reference, registryHost } from '../oci/reference.js';
import type { TransferOptions } from './pull-image.js';
import { type ReceivedManifest, Registry } from './registry.js';
import { remoteParts } from './remote-parts.js';
import { findCredentials } from './sign-in/docker-config.js';
import { type Transferred, transferImage } from './transfer.js';

interface CopyImageOptions extends TransferOptions {
  /** Only the image for it; absent: all there are. */
  readonly platform?: Platform | undefined;
}

/** @throws UserError */
export async function copyImage(
  from: Reference,
  to: Reference,
  options: CopyImageOptions,
): Promise<Transferred> {
  const reference = to.digest ?? to.tag;
  if (reference === undefined)
    throw new UserError(`cannot copy to '${formatReference(to)}': it names no tag`);
  using source = openRegistry(from, options);
  using target = openRegistry(to, options);
  const top = await topManifest(source, from, options.platform);
  compareDigest(`sha256:${sha256(top.bytes)}`, to.digest, `what '${formatReference(from)}' leads to`);
  const parts = remoteParts({ registry: source, path: from.path }, to, options);
  return transferImage(parts, top, { registry: target, path: to.path, reference }, options);
}

/** With the credentials that are kept for it. */
export function openRegistry(reference: Reference, { insecure }: TransferOptions): Registry {
  return new Registry(registryHost(reference), {
    credentials: findCredentials(`${reference.host}/${reference.path}`),
    insecure: insecure === true,
  });
}

/** What a name leads to; of an index with a platform, the manifest for that. @throws UserError */
export async function topManifest(
  registry: Registry,
  reference: Reference,
  platform: Platform | undefined,
): Promise<ReceivedManifest> {
  const { path, tag = 'latest', digest } = reference;
  const top = await registry.manifest(path, digest ?? tag);
  compareDigest(`sha256:${sha256(top.bytes)}`, digest, `the manifest of '${formatReference(reference)}'`);
  return platform === undefined ? top : manifestFor(registry, reference, { top, platform });
}

/** The manifest for a platform, where `top` is an index. @throws UserError when it has none. */
export async function manifestFor(
  registry: Registry,
  reference: Reference,
  { top, platform }: { readonly top: ReceivedManifest; readonly platform: Platform },
): Promise<ReceivedManifest> {
  const read = async ({ digest }: { digest: string }): Promise<Buffer> =>
    (await registry.manifest(reference.path, digest)).bytes;
  const chosen = await chooseManifest(read, top, { shown: formatReference(reference), wanted: platform });
  return chosen ?? top;
}
