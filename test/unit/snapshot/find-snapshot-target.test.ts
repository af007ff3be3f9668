/** Which thing a name means that several kinds could have. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createContainer } from '../../../src/container/make/create-container.js';
import { findSnapshotTarget } from '../../../src/snapshot/find-snapshot-target.js';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { Store } from '../../../src/store/store.js';
import { createVolume } from '../../../src/volume/create-volume.js';
import { addImage } from '../../helpers/images.js';

let root: string;
let store: Store;
let id: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-target-'));
  vi.stubEnv('PLYFS_RUN_DIR', join(root, 'run'));
  store = new Store(join(root, 'store'));
  addImage(store.root, { name: 'bare:latest' }, [() => undefined]);
  ({ id } = (await createContainer(store, { image: 'bare', name: 'web' })).record);
  createVolume(store, { name: 'web' });
  createVolume(store, { name: id.slice(0, 4) });
});

afterAll(() => {
  vi.unstubAllEnvs();
  deleteTree(root);
});

const kindOf = async (text: string): Promise<string> => (await findSnapshotTarget(store, text)).kind;

test('the beginning of an id is a container, unless something has that name', async () => {
  expect(await kindOf(id.slice(0, 5))).toBe('container');
  expect(await kindOf(id.slice(0, 4))).toBe('volume');
  expect(await kindOf(`container:${id.slice(0, 4)}`)).toBe('container');
});

test("a container's name and whole id come first, a kind that is said counts", async () => {
  expect(await kindOf('web')).toBe('container');
  expect(await kindOf(id)).toBe('container');
  expect(await kindOf('volume:web')).toBe('volume');
});

test('what nothing is called is refused with where to look', async () => {
  await expect(findSnapshotTarget(store, 'none')).rejects.toThrow(
    "no such container, volume, draft or mount point: 'none'",
  );
});
