/**
 * Manifests, indexes and configs from outside, checked for the shape that the rest of plyfs relies on.
 */

import { UserError } from '../errno/user-error.js';
import { sha256 } from './chain-id.js';
import { checkDigest, compareDigest } from './digest.js';
import {
  type Descriptor,
  type Digest,
  type ImageConfig,
  type Index,
  type Manifest,
  MEDIA_TYPE,
  type Platform,
} from './oci.js';
import { formatPlatform, servesPlatform } from './platform.js';

const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';

/** As many layers as no builder makes. */
const MAX_LAYERS = 4096;

/** @throws UserError for bytes that have another digest or size. */
export function verifyBytes(bytes: Buffer, { digest, size }: Descriptor, what: string): void {
  if (bytes.byteLength !== size) {
    throw new UserError(`${what} is damaged: it has ${bytes.byteLength} bytes, and ${size} were expected`);
  }
  compareDigest(`sha256:${sha256(bytes)}`, digest, what);
}

/** A manifest, or an index of several. @throws UserError */
export function parseManifest(bytes: Buffer, what: string): Manifest | Index {
  const value = parseObject(bytes, what);
  if (value.schemaVersion !== 2) {
    throw invalid(what, `its schema version is ${JSON.stringify(value.schemaVersion) ?? 'missing'}, not 2`);
  }
  if (Array.isArray(value.manifests)) {
    return { ...value, schemaVersion: 2, manifests: descriptors(value.manifests, what) };
  }
  if (!Array.isArray(value.layers)) throw invalid(what, 'it lists neither layers nor manifests');
  if (value.layers.length > MAX_LAYERS) throw invalid(what, `it has more than ${MAX_LAYERS} layers`);
  return {
    ...value,
    schemaVersion: 2,
    config: descriptor(value.config, what),
    layers: descriptors(value.layers, what),
  };
}

export function isIndex(value: Manifest | Index): value is Index {
  return 'manifests' in value;
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.index || mediaType === DOCKER_INDEX;
}

/**
 * The manifest of an index that serves the platform; attestations and the like serve none.
 * @throws UserError that lists the platforms there are.
 */
export function choosePlatform({ manifests }: Index, wanted: Platform, what: string): Descriptor {
  const [only] = manifests;
  if (manifests.length === 1 && only !== undefined && only.platform === undefined) return only;
  const found = manifests.find(({ platform }) => servesPlatform(platform, wanted));
  if (found) return found;
  const offered = manifests.flatMap(({ platform }) =>
    platform === undefined ? [] : [formatPlatform(platform)],
  );
  throw new UserError(`${what} is not made for ${formatPlatform(wanted)}`, {
    hint:
      offered.length === 0
        ? undefined
        : `it is for ${[...new Set(offered)].join(', ')}; choose with --platform`,
  });
}

/** @throws UserError, also when it does not fit the number of layers. */
export function parseConfig(bytes: Buffer, layerCount: number, what: string): ImageConfig {
  const value = parseObject(bytes, what);
  const diffIds: unknown = (value.rootfs as { diff_ids?: unknown } | undefined)?.diff_ids;
  if (!Array.isArray(diffIds)) throw invalid(what, 'its config lists no layers');
  if (diffIds.length !== layerCount) {
    throw invalid(what, `its config has ${diffIds.length} layers, its manifest ${layerCount}`);
  }
  const checked = diffIds.map((id): Digest => checkDigest(id, `a layer of ${what}`));
  return {
    ...value,
    architecture: textOf(value.architecture, 'unknown'),
    os: textOf(value.os, 'linux'),
    rootfs: { type: 'layers', diff_ids: checked },
  };
}

function parseObject(bytes: Buffer, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new UserError(`invalid image: ${what} is no JSON`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid(what, 'it is no JSON object');
}

function descriptors(values: readonly unknown[], what: string): Descriptor[] {
  return values.map((value) => descriptor(value, what));
}

function descriptor(value: unknown, what: string): Descriptor {
  if (typeof value !== 'object' || value === null) throw invalid(what, 'it lacks a descriptor');
  const { mediaType, digest, size, ...rest } = value as Partial<Descriptor>;
  if (!Number.isSafeInteger(size) || (size as number) < 0)
    throw invalid(what, `a blob has the size '${size}'`);
  return {
    ...rest,
    mediaType: textOf(mediaType, ''),
    digest: checkDigest(digest, what),
    size: size as number,
  };
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function invalid(what: string, why: string): UserError {
  return new UserError(`invalid image: ${what}: ${why}`);
}
