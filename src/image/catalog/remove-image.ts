/**
 * Names and images go away, and with them the blobs and layers that nobody needs any more.
 *
 * Layers are needed by images and by containers, whose records name theirs: a container outlives its image.
 */

import { join } from 'node:path';
import { UserError } from '../../errno/user-error.js';
import { type ContainerRecord, layersHeldBy, listContainers } from '../../store/container-record.js';
import type { IntentStep } from '../../store/intent.js';
import { type FileLock, tryLockFile } from '../../store/lock.js';
import type { Store } from '../../store/store.js';
import { hexOf } from '../oci/chain-id.js';
import { type Descriptor, type Digest, MEDIA_TYPE } from '../oci/oci.js';
import { formatReference, parseImageName, parseReference } from '../oci/reference.js';
import { type Image, isDangling, listImages, nameByDigest, readIndex, resolveImage } from './image-index.js';
import { imageUsers } from './image-users.js';
import { blobsOfIndex } from './index-blobs.js';
import { withImage, withoutImages, withoutName, withoutPulled } from './index-names.js';
import { LAYER_FILE, readLayer } from './layer-record.js';
import { noteImage } from './note-image.js';
import { dropPartialBlobs } from './partial-blobs.js';
import { blobNames, sizeOfBlob } from './stored-blobs.js';

interface Removal {
  /** Names that were taken away. */
  readonly untagged: readonly string[];
  /** Ids of images that are gone. */
  readonly deleted: readonly Digest[];
  /** Bytes of layers and blobs that went with them. */
  readonly freedBytes: number;
}

/** Gives the image one name more, taken from the image that had it. @throws UserError */
export function tagImage(store: Store, source: string, target: string): void {
  const name = formatReference(parseImageName(target));
  store.lockedIfThere(() => {
    const image = resolveImage(store, source);
    const { manifests } = readIndex(store);
    const descriptor = manifests.find(({ digest }) => digest === image.manifestDigest)!;
    replaceIndex(store, withImage(manifests, descriptor, [name]));
    noteImage(store, image.id, 'tag', name);
  });
}

/**
 * As `docker image rm`: a name goes, and the image with its last; an id takes the image with its name.
 * @throws UserError `unable to remove ...` when a container uses the image, or an id has several names, unless forced.
 */
export function removeImage(store: Store, text: string, options: { readonly force: boolean }): Removal {
  return store.lockedIfThere(() => {
    const image = resolveImage(store, text);
    const name = nameMeant(image, text);
    if (name !== undefined && image.names.length > 1) {
      replaceIndex(store, withoutName(readIndex(store).manifests, name));
      noteImage(store, image.id, 'untag');
      return { untagged: [name], deleted: [], freedBytes: 0 };
    }
    const pulled = text.includes('@') ? nameByDigest(parseReference(text)) : undefined;
    if (pulled !== undefined && image.pulledBy.includes(pulled) && image.names.length > 0) {
      replaceIndex(store, withoutPulled(readIndex(store).manifests, pulled));
      noteImage(store, image.id, 'untag');
      return { untagged: [pulled], deleted: [], freedBytes: 0 };
    }
    if (name === undefined && image.names.length > 1 && !options.force) {
      throw new UserError(
        `unable to remove '${text}': the image has several names: ${image.names.join(', ')}`,
        {
          hint: 'remove the names one by one, or use -f',
        },
      );
    }
    if (!options.force) refuseUsed(store, image, text);
    // An image may be there under several manifests, which compress its layers in different ways.
    const same = listImages(store).filter(({ id }) => id === image.id);
    return dropImages(store, name === undefined ? same : [image]);
  });
}

/** Dangling images that no container uses, and what broken pulls have left; `all`: named ones too. `keep` spares images. */
export function pruneImages(
  store: Store,
  options: { readonly all: boolean; readonly keep: (image: Image) => boolean },
): Removal {
  if (!store.isThere) return { untagged: [], deleted: [], freedBytes: 0 };
  return store.locked(() => {
    const users = imageUsers(store);
    const unused = listImages(store).filter(
      (image) => !users.has(image.id) && (options.all || isDangling(image)) && !options.keep(image),
    );
    const removal = dropImages(store, unused, { keepsOthers: false });
    return { ...removal, freedBytes: removal.freedBytes + dropPartialBlobs(store) };
  });
}

/** The name that the text stands for; undefined: it is an id. */
function nameMeant(image: Image, text: string): string | undefined {
  if (/^sha256:/.test(text)) return undefined;
  if (text.includes('@')) return undefined;
  const name = formatReference(parseImageName(text));
  return image.names.includes(name) ? name : undefined;
}

function refuseUsed(store: Store, image: Image, text: string): void {
  const [first] = imageUsers(store).get(image.id) ?? [];
  if (first === undefined) return;
  throw new UserError(`unable to remove '${text}': container ${shortId(first)} is using it`, {
    code: 'ERR_IN_USE',
    hint: 'remove the container first, or use -f',
  });
}

function shortId({ id }: ContainerRecord): string {
  return id.slice(0, 12);
}

/** PRECONDITION: locked. */
function dropImages(
  store: Store,
  images: readonly Image[],
  { keepsOthers = true }: { readonly keepsOthers?: boolean | undefined } = {},
): Removal {
  const { manifests } = readIndex(store);
  const digests = images.map(({ manifestDigest }) => manifestDigest);
  const rest = withoutImages(manifests, digests);
  const freedBytes = replaceIndex(store, rest, { keepsOthers });
  for (const { id, names } of images) {
    for (const _ of names) noteImage(store, id, 'untag');
    noteImage(store, id, 'delete');
  }
  return {
    untagged: images.flatMap(({ names }) => names),
    deleted: images.map(({ id }) => id),
    freedBytes,
  };
}

/**
 * Writes the list, and removes what neither it nor a container nor a mount needs; layers unpacked from tars for mounts
 * stay where `keepsOthers`. PRECONDITION: locked.
 * @returns the bytes that went.
 */
function replaceIndex(
  store: Store,
  manifests: readonly Descriptor[],
  { keepsOthers = true }: { readonly keepsOthers?: boolean | undefined } = {},
): number {
  const text = { schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests };
  const { blobs, layers } = neededBy(store, manifests);
  const goneBlobs = blobNames(store).filter((hex) => !blobs.has(hex));
  // Exclusively until they are gone: a mount that begins now waits, and sees that they are.
  const held: FileLock[] = [];
  const goneLayers = store.names('layers').filter((hex) => {
    if (layers.has(hex) || (keepsOthers && readLayer(store, hex)?.origin !== undefined)) return false;
    const lock = tryLockFile(store.path('layers', hex, LAYER_FILE));
    if (lock !== undefined) held.push(lock);
    return lock !== undefined;
  });
  const freed = [
    ...goneBlobs.map((hex) => sizeOfBlob(store, hex)),
    ...goneLayers.map((hex) => readLayer(store, hex)?.sizeBytes ?? 0),
  ];
  const steps: IntentStep[] = [
    { do: 'write', path: 'images/index.json', text: `${JSON.stringify(text, null, 2)}\n` },
    ...goneLayers.map((hex): IntentStep => ({ do: 'remove', path: join('layers', hex) })),
    ...goneBlobs.map((hex): IntentStep => ({ do: 'remove', path: join('images', 'blobs', 'sha256', hex) })),
  ];
  using intent = store.intend();
  intent.decide(steps);
  intent.carryOut();
  for (const lock of held) lock[Symbol.dispose]();
  return freed.reduce((sum, bytes) => sum + bytes, 0);
}

function neededBy(
  store: Store,
  manifests: readonly Descriptor[],
): { readonly blobs: Set<string>; readonly layers: Set<string> } {
  const digests = new Set(manifests.map(({ digest }) => digest));
  const images = listImages(store).filter(({ manifestDigest }) => digests.has(manifestDigest));
  const blobs = images.flatMap(({ manifestDigest, manifest }) => [
    manifestDigest,
    manifest.config.digest,
    ...manifest.layers.map(({ digest }) => digest),
  ]);
  const indexes = images.flatMap(({ indexDigest }) =>
    indexDigest === undefined ? [] : blobsOfIndex(store, indexDigest),
  );
  const layers = [...images.flatMap((image) => image.layers), ...listContainers(store).flatMap(layersHeldBy)];
  return { blobs: new Set([...blobs, ...indexes].map(hexOf)), layers: new Set(layers) };
}
