/**
 * kill -9 of image commands after each of their durable steps: what has a name is whole, the rest is gone with the next
 * command, and the same command then gets through.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadImages } from '../../src/image/add/load-image.js';
import { listImages } from '../../src/image/catalog/image-index.js';
import { readLayer } from '../../src/image/catalog/layer-record.js';
import { Store } from '../../src/store/store.js';
import { LayoutBuilder } from '../helpers/oci-layout.js';
import { tarBytes } from '../helpers/tar-bytes.js';
import { cliScript } from './plyfs-run.js';

const LIMIT = 60;
const LAYERS = 2;

let root: string;
let layout: string;
let store: Store;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-image-crash-'));
  const builder = new LayoutBuilder();
  const tars = Array.from({ length: LAYERS }, (_, index) =>
    tarBytes({ name: `f${index}`, content: 'whole' }),
  );
  builder.name(builder.image(tars, { gzip: true }), 'app:1');
  layout = builder.writeTo(join(root, 'layout'));
  store = new Store(join(root, 'store'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Each blob is its digest, each layer has its file, and nothing is there that is not named. */
function expectWhole(): void {
  store.locked(() => undefined);
  for (const folder of ['pending', 'trash']) expect(readdirSync(store.path(folder))).toEqual([]);
  const images = listImages(store);
  const blobs = blobsOf();
  for (const hex of blobs) {
    const bytes = readFileSync(store.path('images/blobs/sha256', hex));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(hex);
  }
  expect(readdirSync(store.path('layers')).sort()).toEqual(images.flatMap(({ layers }) => layers).sort());
  expect(blobs.length).toBe(images.length === 0 ? 0 : LAYERS + 2);
  for (const [index, hex] of (images[0]?.layers ?? []).entries()) {
    expect(readLayer(store, hex)?.entries).toBe(1);
    expect(readFileSync(store.path('layers', hex, 'tree', `f${index}`), 'utf8')).toBe('whole');
  }
}

function blobsOf(): string[] {
  mkdirSync(store.path('images/blobs/sha256'), { recursive: true });
  return readdirSync(store.path('images/blobs/sha256'));
}

/** @returns how many steps the command has. */
async function killAtEachStep(setUp: () => Promise<unknown>, ...args: string[]): Promise<number> {
  for (let step = 1; step < LIMIT; step++) {
    await setUp();
    const words = ['image', ...args, '--root', store.root];
    const { signal, status, stderr } = spawnSync(process.execPath, [cliScript, ...words], {
      env: { ...process.env, PLYFS_TEST_KILL_AFTER: String(step) },
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([signal ?? status, stderr]).toEqual([signal === null ? 0 : 'SIGKILL', '']);
    expectWhole();
    if (signal === null) return step - 1;
  }
  throw new Error(`more than ${LIMIT} steps`);
}

describe('killed after each step', { timeout: 200_000 }, () => {
  test('load: the image is there with its layers, or nothing is', async () => {
    const fresh = async () => {
      rmSync(store.root, { recursive: true, force: true });
      store = new Store(store.root);
    };
    expect(await killAtEachStep(fresh, 'load', '-i', layout)).toBeGreaterThan(15);
    expect(listImages(store).map(({ names }) => names)).toEqual([['app:1']]);
  });

  test('rm: the image is there with its layers, or nothing is', async () => {
    const steps = await killAtEachStep(() => loadImages(store, layout), 'rm', 'app:1');
    expect(steps).toBeGreaterThan(5);
    expect(listImages(store)).toEqual([]);
  });
});

test('what lies half-written under a hidden name is never taken for a layer', async () => {
  await loadImages(store, layout);
  const [hex] = listImages(store)[0]!.layers;
  const half = store.path('layers', `.new-${hex}`);
  mkdirSync(join(half, 'tree'), { recursive: true });
  writeFileSync(join(half, 'tree/f0'), 'ha');
  expect(store.names('layers')).toHaveLength(LAYERS);
  await loadImages(store, layout);
  expect(readFileSync(store.path('layers', hex!, 'tree/f0'), 'utf8')).toBe('whole');
});
