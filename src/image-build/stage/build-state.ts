/**
 * Where a stage of a build stands: the layers so far, the configuration, history that no layer carries yet, and the key
 * by which the cache knows all of it.
 */

import { createHash } from 'node:crypto';
import { UserError } from '../../errno/user-error.js';
import { ImageStage } from '../../image/add/image-stage.js';
import type { ConfigDraft } from '../../image/add/instructions.js';
import { type Image, listImages } from '../../image/catalog/image-index.js';
import { noteImage } from '../../image/catalog/note-image.js';
import { jsonBytes } from '../../image/oci/digest.js';
import {
  BUILD_STEP,
  type Descriptor,
  type HistoryEntry,
  IMAGE_INDEX,
  type ImageConfig,
  type Manifest,
  MEDIA_TYPE,
  type Platform,
  type RunConfig,
} from '../../image/oci/oci.js';
import type { Store } from '../../store/store.js';
import type { Annotations } from './annotations.js';
import type { Variables } from './variables.js';

export interface BuildState {
  /** The last one that was stored: its history and layers are part of what is built. */
  image: Image;
  config: ConfigDraft;
  /** History of the instructions after that image. */
  pending: HistoryEntry[];
  key: string;
  readonly variables: Variables;
  /** What its programs are for. */
  readonly platform: Platform;
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const SCRATCH_CONFIG: RunConfig = {
  Env: [DEFAULT_PATH],
  WorkingDir: '/',
};

/** As BuildKit: a stage whose image has no PATH begins with one, so that `ENV PATH=$PATH:/more` keeps what RUN had. */
export function withPath(environment: readonly string[]): readonly string[] {
  return environment.some((entry) => entry.startsWith('PATH='))
    ? environment
    : [...environment, DEFAULT_PATH];
}

/** `FROM scratch`: no files, and what docker gives such an image. */
export function emptyImage(platform: Platform): Image {
  const config: ImageConfig = {
    ...platform,
    config: SCRATCH_CONFIG,
    rootfs: { type: 'layers', diff_ids: [] },
  };
  const none = { mediaType: MEDIA_TYPE.config, digest: '', size: 0 };
  return {
    id: '',
    manifestDigest: '',
    manifest: { schemaVersion: 2, mediaType: MEDIA_TYPE.manifest, config: none, layers: [] },
    config,
    names: [],
    pulledBy: [],
    layers: [],
    buildSteps: [],
    indexDigest: undefined,
    pulledFrom: undefined,
  };
}

/** The key after a step: whatever it depends on is in `parts`. */
export function nextKey(key: string, parts: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([key, ...parts]))
    .digest('hex');
}

/** The image that a step made before. */
export function findCached(store: Store, key: string): Image | undefined {
  return listImages(store).find(({ buildSteps }) => buildSteps.includes(key));
}

/** The image with the history of instructions that made no layer. */
export function withPending({ image, pending }: BuildState): Image {
  return { ...image, config: { ...image.config, history: [...(image.config.history ?? []), ...pending] } };
}

interface Naming {
  readonly names: readonly string[];
  readonly created: Date;
  readonly annotations: Annotations | undefined;
}

export interface StoredImage {
  /** Digest of the config. */
  readonly id: string;
  readonly manifestDigest: string;
}

/** What the stage has come to, as an image with the names given. */
export async function storeState(
  store: Store,
  state: BuildState,
  { names, created, annotations }: Naming,
): Promise<StoredImage> {
  using stage = new ImageStage(store);
  const { image } = state;
  const config: ImageConfig = {
    ...withPending(state).config,
    created: created.toISOString(),
    config: state.config,
  };
  const isAnnotated = Object.keys(annotations?.manifest ?? {}).length > 0;
  const isStored = state.pending.length === 0 && image.id !== '' && !isAnnotated;
  const descriptor = isStored
    ? image.manifest.config
    : await stage.addBytes(jsonBytes(config), MEDIA_TYPE.config);
  const all = { ...image.manifest.annotations, ...annotations?.manifest };
  const manifest: Manifest = {
    ...image.manifest,
    config: descriptor,
    ...(isAnnotated ? { annotations: all } : {}),
  };
  const stored = isStored
    ? {
        mediaType: manifest.mediaType ?? MEDIA_TYPE.manifest,
        digest: image.manifestDigest,
        size: stage.sizeOf(image.manifestDigest),
      }
    : await stage.addBytes(jsonBytes(manifest), MEDIA_TYPE.manifest);
  const index =
    annotations && (await addIndex(stage, { manifest: stored, platform: state.platform }, annotations));
  const isPublished = stage.publish([
    {
      manifest: {
        ...stored,
        annotations: {
          [BUILD_STEP]: state.key,
          ...(index === undefined ? {} : { [IMAGE_INDEX]: index.digest }),
        },
      },
      blobs: [
        ...(index === undefined ? [] : [index.digest]),
        descriptor.digest,
        ...manifest.layers.map(({ digest }) => digest),
      ],
      layers: image.layers,
      names,
    },
  ]);
  if (!isPublished) throw new UserError('cannot finish the build: its layers were removed meanwhile');
  for (const name of names) noteImage(store, descriptor.digest, 'tag', name);
  return { id: descriptor.digest, manifestDigest: stored.digest };
}

interface Described {
  readonly manifest: Descriptor;
  readonly platform: Platform;
}

/** An index of the one image; undefined when nothing is to be said of it. */
async function addIndex(
  stage: ImageStage,
  { manifest, platform: { architecture, os, variant } }: Described,
  annotations: Annotations,
): Promise<Descriptor | undefined> {
  const { index, 'manifest-descriptor': ofDescriptor } = annotations;
  if (Object.keys(index).length + Object.keys(ofDescriptor).length === 0) return undefined;
  const platform = { architecture, os, ...(variant === undefined ? {} : { variant }) };
  const described = { ...manifest, platform, ...withEntries(ofDescriptor) };
  const content = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.index,
    manifests: [described],
    ...withEntries(index),
  };
  return stage.addBytes(jsonBytes(content), MEDIA_TYPE.index);
}

function withEntries(annotations: Readonly<Record<string, string>>): {
  annotations?: Record<string, string>;
} {
  return Object.keys(annotations).length === 0 ? {} : { annotations: { ...annotations } };
}
