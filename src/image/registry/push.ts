/**
 * `image push`: an image of the store to a registry. One that came as an image for several platforms goes as that: the others
 * come from the store, or from where it was pulled.
 */

import { readFileSync } from 'node:fs';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { blobPath, type Image, listImages, resolveImage } from '../catalog/image-index.js';
import { imageFor, storedIndex } from '../catalog/index-blobs.js';
import { noteImage } from '../catalog/note-image.js';
import { MEDIA_TYPE, type Platform } from '../oci/oci.js';
import { formatReference, parseReference, type Reference, registryHost } from '../oci/reference.js';
import { openRegistry } from './copy-image.js';
import type { TransferOptions } from './pull-image.js';
import { Registry } from './registry.js';
import { remoteParts } from './remote-parts.js';
import { findCredentials } from './sign-in/docker-config.js';
import { MissingPart, storeParts } from './store-parts.js';
import { type Transferred, type TransferTarget, transferImage } from './transfer.js';

interface PushOptions extends TransferOptions {
  /** Only the image for it. */
  readonly platform?: Platform | undefined;
  /** The other platforms could not be had: only the store's image goes. */
  readonly onSingle?: (image: Image, why: string) => void;
}

/** A registry that is gone is not waited for long: what it has is not what was asked for. */
const ORIGIN_RETRY = { attempts: 2, firstPauseMs: 300 };

/** @throws UserError */
export async function pushImage(
  store: Store,
  reference: Reference,
  options: PushOptions,
): Promise<Transferred> {
  const { path, tag } = reference;
  const name = formatReference(reference);
  if (tag === undefined) throw new UserError(`cannot push '${name}': it names no tag`);
  const image = resolveImage(store, name);
  using registry = openRegistry(reference, options);
  const target = { registry, path, reference: tag };
  const pushing = { store, reference, target, options };
  const pushed = await pushWanted(pushing, image, name);
  noteImage(store, name, 'push');
  return pushed;
}

/** The one platform that was asked for, or all that the image came with. */
async function pushWanted(pushing: Pushing, image: Image, name: string): Promise<Transferred> {
  const { store, options } = pushing;
  if (options.platform !== undefined) return pushOne(pushing, imageFor(store, image, options.platform, name));
  try {
    const whole = await pushIndex(pushing, image);
    if (whole !== undefined) return whole;
  } catch (error) {
    if (!(error instanceof MissingPart)) throw error;
    options.onSingle?.(image, error.message);
  }
  return pushOne(pushing, image);
}

interface Pushing {
  readonly store: Store;
  readonly reference: Reference;
  readonly target: TransferTarget;
  readonly options: PushOptions;
}

/** @returns undefined for an image that came alone. @throws MissingPart before anything is sent. */
async function pushIndex(
  { store, reference, target, options }: Pushing,
  image: Image,
): Promise<Transferred | undefined> {
  const index = storedIndex(store, image);
  if (index === undefined) return undefined;
  const origin = image.pulledFrom === undefined ? undefined : parseReference(image.pulledFrom);
  using registry = origin && originRegistry(origin, options);
  const remote = origin && registry && remoteParts({ registry, path: origin.path }, reference, options);
  const parts = { store, images: listImages(store), target: reference, remote, onBytes: options.onBytes };
  return transferImage(storeParts(parts), index, target, options);
}

function originRegistry(origin: Reference, { insecure }: PushOptions): Registry {
  return new Registry(registryHost(origin), {
    credentials: findCredentials(`${origin.host}/${origin.path}`),
    insecure: insecure === true,
    retry: ORIGIN_RETRY,
  });
}

function pushOne({ store, reference, target, options }: Pushing, image: Image): Promise<Transferred> {
  const bytes = readFileSync(blobPath(store, image.manifestDigest));
  const mediaType = image.manifest.mediaType ?? MEDIA_TYPE.manifest;
  const parts = { store, images: listImages(store), target: reference, onBytes: options.onBytes };
  return transferImage(storeParts(parts), { bytes, mediaType }, target, options);
}
