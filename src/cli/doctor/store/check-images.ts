/**
 * Images: names whose blobs or layers are gone, layers that are not whole.
 */

import { existsSync } from 'node:fs';
import { blobPath, readIndex, writeIndex } from '../../../image/catalog/image-index.js';
import { readLayer } from '../../../image/catalog/layer-record.js';
import { chainIds, hexOf } from '../../../image/oci/chain-id.js';
import {
  type Descriptor,
  type Digest,
  type ImageConfig,
  type Manifest,
  REF_NAME,
} from '../../../image/oci/oci.js';
import { readJson } from '../../../store/atomic-file.js';
import type { Store } from '../../../store/store.js';
import { type StoreProblem, setAside, tryRead } from './problem.js';

export function checkImages(store: Store): StoreProblem[] {
  const index = tryRead(() => readIndex(store));
  if ('broken' in index) {
    return [
      {
        what: `images/index.json cannot be read: ${index.broken}`,
        cost: 'no image can be used',
        remedy: 'move it to lost+found/: images are gone from the list, their blobs stay',
        mend: () => setAside(store, 'images/index.json'),
      },
    ];
  }
  const images = index.value.manifests.flatMap((descriptor) => {
    const lost = whatLacks(store, descriptor);
    return lost === undefined ? [] : [lackingImage(store, descriptor, lost)];
  });
  return [...images, ...checkLayers(store)];
}

function lackingImage(store: Store, descriptor: Descriptor, lost: string): StoreProblem {
  const name = descriptor.annotations?.[REF_NAME] ?? descriptor.digest;
  return {
    what: `image '${name}': ${lost}`,
    cost: 'it cannot be used, and lists of images fail',
    remedy: 'take it from the list; import or pull it again',
    mend: () =>
      store.locked(() => {
        const { manifests } = readIndex(store);
        writeIndex(
          store,
          manifests.filter(({ digest }) => digest !== descriptor.digest),
        );
      }),
  };
}

function whatLacks(store: Store, { digest }: Descriptor): string | undefined {
  const manifest = readBlob<Manifest>(store, digest);
  if (typeof manifest === 'string') return manifest;
  const config = readBlob<ImageConfig>(store, manifest.config.digest);
  if (typeof config === 'string') return config;
  const blob = manifest.layers.find((layer) => !existsSync(blobPath(store, layer.digest)));
  if (blob !== undefined) return `the blob ${blob.digest.slice(0, 19)} is gone`;
  const hex = chainIds(config.rootfs.diff_ids)
    .map(hexOf)
    .find((one) => !existsSync(store.path('layers', one, 'tree')));
  return hex === undefined ? undefined : `the layer ${hex.slice(0, 12)} is gone`;
}

/** Or what is wrong with it. */
function readBlob<T>(store: Store, digest: Digest): T | string {
  const read = tryRead(() => readJson(blobPath(store, digest)));
  if ('broken' in read) return `the blob ${digest.slice(0, 19)} cannot be read: ${read.broken}`;
  return read.value === undefined ? `the blob ${digest.slice(0, 19)} is gone` : (read.value as T);
}

function checkLayers(store: Store): StoreProblem[] {
  return store.names('layers').flatMap((hex) => {
    const read = tryRead(() => readLayer(store, hex));
    const isWhole =
      'value' in read && read.value !== undefined && existsSync(store.path('layers', hex, 'tree'));
    if (isWhole) return [];
    return [
      {
        what: `layers/${hex.slice(0, 12)} is not whole`,
        cost: 'what is built on it does not start',
        remedy: 'move it to lost+found/',
        mend: () => setAside(store, `layers/${hex}`),
      },
    ];
  });
}
