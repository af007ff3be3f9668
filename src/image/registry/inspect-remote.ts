/**
 * `image inspect --remote`: an image of a registry as `image inspect` shows one, of which only manifest and config are
 * asked for.
 */

import { sha256 } from '../oci/chain-id.js';
import { compareDigest } from '../oci/digest.js';
import { type ImageFacts, imageFacts } from '../oci/image-facts.js';
import { checkConfig, checkIndex, checkManifest, parseJson } from '../oci/image-json.js';
import type { Descriptor, Digest, ImageConfig, Platform } from '../oci/oci.js';
import { formatPlatform } from '../oci/platform.js';
import { formatReference, type Reference } from '../oci/reference.js';
import { manifestFor, openRegistry, topManifest } from './copy-image.js';
import type { TransferOptions } from './pull-image.js';
import type { ReceivedManifest, Registry } from './registry.js';

interface RemoteImage extends ImageFacts {
  readonly Id: Digest;
  /** The digest of what the name leads to, a manifest or an index. */
  readonly Digest: Digest;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  /** The size of the layers as they are sent. */
  readonly Size: number;
  readonly Config: NonNullable<ImageConfig['config']>;
  readonly Layers: readonly Pick<Descriptor, 'mediaType' | 'digest' | 'size'>[];
  /** The platforms that an index has images for. */
  readonly Platforms: readonly string[];
}

/** What a name leads to, as its bytes are; of an index with a platform, the manifest for that. @throws UserError */
export async function rawManifest(
  reference: Reference,
  options: TransferOptions & { readonly platform: Platform | undefined },
): Promise<Buffer> {
  using registry = openRegistry(reference, options);
  return (await topManifest(registry, reference, options.platform)).bytes;
}

/** @throws UserError */
export async function inspectRemote(
  reference: Reference,
  options: TransferOptions & { readonly platform: Platform },
): Promise<RemoteImage> {
  using registry = openRegistry(reference, options);
  const top = await topManifest(registry, reference, undefined);
  const chosen = await manifestFor(registry, reference, { top, platform: options.platform });
  const digest: Digest = `sha256:${sha256(top.bytes)}`;
  const { manifest, config } = await configOf(registry, reference, chosen);
  const { tag: _, digest: __, ...repository } = reference;
  return {
    Id: manifest.config.digest,
    Digest: digest,
    RepoTags: reference.digest === undefined ? [formatReference(reference)] : [],
    RepoDigests: [formatReference({ ...repository, digest })],
    ...imageFacts(config),
    Size: manifest.layers.reduce((sum, { size }) => sum + size, 0),
    Config: config.config ?? {},
    Layers: manifest.layers.map(({ mediaType, digest: layer, size }) => ({ mediaType, digest: layer, size })),
    Platforms: platformsOf(top),
  };
}

async function configOf(
  registry: Registry,
  { path }: Reference,
  { bytes }: ReceivedManifest,
): Promise<{ manifest: ReturnType<typeof checkManifest>; config: ImageConfig }> {
  const manifest = checkManifest(parseJson(bytes, 'the manifest'));
  const { digest, size } = manifest.config;
  const configBytes = await registry.smallBlob(path, digest, size);
  compareDigest(`sha256:${sha256(configBytes)}`, digest, `blob '${digest}'`);
  return { manifest, config: checkConfig(parseJson(configBytes, 'the config'), manifest.layers.length) };
}

/** Attestations of builders are none. */
function platformsOf({ bytes }: ReceivedManifest): string[] {
  const fields = parseJson(bytes, 'the manifest');
  if (!Array.isArray(fields.manifests)) return [];
  const platforms = checkIndex(fields, 'an index').manifests.flatMap(({ platform }) => platform ?? []);
  return [...new Set(platforms.filter(({ os }) => os !== 'unknown').map(formatPlatform))];
}
