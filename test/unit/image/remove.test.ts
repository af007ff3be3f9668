/** Names and images go: what is said, what is kept. */

import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blobPath, listImages, resolveImage } from '../../../src/image/catalog/image-index.js';
import { pruneImages, removeImage, tagImage } from '../../../src/image/catalog/remove-image.js';
import { blobNames } from '../../../src/image/catalog/stored-blobs.js';
import { type ContainerRecord, writeContainer } from '../../../src/store/container-record.js';
import { tarBytes } from '../../helpers/tar-bytes.js';
import { ImageBench } from './layers-of.js';

let bench: ImageBench;
beforeEach(async () => {
  bench = new ImageBench();
  await bench.unpack(tarBytes({ name: 'a', content: 'a' }), 'app:1');
});
afterEach(() => bench[Symbol.dispose]());

const ID = 'c'.repeat(64);

/** As far as images look at it. */
function useImage(name: string): void {
  const { store } = bench;
  const { id, layers } = resolveImage(store, name);
  mkdirSync(store.path('containers', ID), { recursive: true });
  writeContainer(store, {
    id: ID,
    name: 'box',
    createdAt: '',
    image: { id, name },
    layers,
    mounts: [],
  } as unknown as ContainerRecord);
}

const remove = (text: string, force = false) => removeImage(bench.store, text, { force });

describe('removeImage()', () => {
  test('a name goes, and with the last all blobs and layers', () => {
    const { id } = resolveImage(bench.store, 'app:1');
    tagImage(bench.store, 'app:1', 'app:2');
    expect(remove('app:1')).toEqual({ untagged: ['app:1'], deleted: [], freedBytes: 0 });
    const last = remove('app:2');
    expect([last.untagged, last.deleted]).toEqual([['app:2'], [id]]);
    expect(last.freedBytes).toBeGreaterThan(0);
    expect(blobNames(bench.store)).toEqual([]);
    expect(bench.store.names('layers')).toEqual([]);
  });

  test('layers that another image has are kept', async () => {
    await bench.unpack(tarBytes({ name: 'a', content: 'a' }), 'other:1');
    remove('app:1');
    expect(bench.store.names('layers')).toHaveLength(1);
    const { manifest } = resolveImage(bench.store, 'other:1');
    expect(blobNames(bench.store).map((hex) => bench.store.path('images/blobs/sha256', hex))).toContain(
      blobPath(bench.store, manifest.layers[0]!.digest),
    );
  });

  test('by force an image in use goes, and its container keeps the layers', () => {
    useImage('app:1');
    remove('app:1', true);
    expect(listImages(bench.store)).toEqual([]);
    expect(bench.store.names('layers')).toHaveLength(1);
  });

  const errors: readonly (readonly [what: string, act: () => unknown, message: string])[] = [
    ['an unknown name', () => remove('none'), "no such image: 'none'"],
    ['an unknown id', () => remove('sha256:00'), "no such image: 'sha256:00'"],
    [
      'no name at all',
      () => remove('UPPER'),
      "invalid reference format: 'UPPER': the name must be lowercase",
    ],
    [
      'an image in use',
      () => {
        useImage('app:1');
        return remove('app:1');
      },
      `unable to remove 'app:1': container ${ID.slice(0, 12)} is using it`,
    ],
    [
      'an id with several names',
      () => {
        tagImage(bench.store, 'app:1', 'app:2');
        return remove(resolveImage(bench.store, 'app:1').id);
      },
      'the image has several names: app:1, app:2',
    ],
    ['a tag of nothing', () => tagImage(bench.store, 'none', 'x'), "no such image: 'none'"],
    [
      'a name that is a digest',
      () => tagImage(bench.store, 'app:1', `x@sha256:${'0'.repeat(64)}`),
      'an image is not named by its digest',
    ],
    ['a name that is none', () => tagImage(bench.store, 'app:1', 'a b'), "invalid reference format: 'a b'"],
  ];
  for (const [what, act, message] of errors) {
    test(`refuses ${what}`, () => expect(act).toThrow(message));
  }
});

describe('pruneImages()', () => {
  const keep = (): boolean => false;

  test('takes images without a name, and with all those that no container uses', async () => {
    await bench.unpack(tarBytes({ name: 'b' }), 'app:1');
    useImage('app:1');
    expect(pruneImages(bench.store, { all: false, keep }).deleted).toHaveLength(1);
    await bench.unpack(tarBytes({ name: 'c' }), 'free:1');
    expect(pruneImages(bench.store, { all: false, keep }).deleted).toEqual([]);
    expect(pruneImages(bench.store, { all: true, keep }).untagged).toEqual(['free:1']);
    expect(listImages(bench.store).flatMap(({ names }) => names)).toEqual(['app:1']);
  });

  test('spares what is to be kept', () => {
    expect(pruneImages(bench.store, { all: true, keep: () => true }).deleted).toEqual([]);
    expect(listImages(bench.store)).toHaveLength(1);
  });
});
