/** The tree that a step of a build changes: a root that runs commands, and no container. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { lockIfThere } from '../../../src/container/record/container-lock.js';
import { WorkingTree } from '../../../src/image-build/stage/working-tree.js';
import { listContainers } from '../../../src/store/container-record.js';
import { Store } from '../../../src/store/store.js';

function newStore(): Store {
  const root = mkdtempSync(join(tmpdir(), 'plyfs-working-tree-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  return new Store(root);
}

it('has a home with a lock, and no record of a container', async () => {
  const store = newStore();
  using intent = store.intend();
  const tree = new WorkingTree(store, intent, []);
  const [id = ''] = readdirSync(store.path('containers'));
  expect(readdirSync(store.path('containers', id)).sort()).toEqual(['lock', 'merged', 'upper', 'work']);
  expect(listContainers(store)).toEqual([]);
  const lock = await lockIfThere(store, { id });
  expect(lock).toBeDefined();
  lock?.[Symbol.dispose]();
  tree[Symbol.dispose]();
  expect(readdirSync(store.path('containers'))).toEqual([]);
  expect(await lockIfThere(store, { id })).toBeUndefined();
});
