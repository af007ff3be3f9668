/** A change killed at each of its crash points: the store is as before or as after. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { Store } from '../../../src/store/store.js';
import { distPath } from '../../helpers/project-paths.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-crash-'));
});

afterEach(() => deleteTree(root));

/** Moves volume `a` to `b` in a process that dies at the n-th step. */
function moveKilledAt(n: number): NodeJS.Signals | null {
  const script = `
    import { Store } from ${JSON.stringify(distPath('src/store/store.js'))};
    const store = new Store(${JSON.stringify(root)});
    store.locked(() => {
      const intent = store.intend();
      intent.decide([{ do: 'rename', from: 'volumes/a', to: 'volumes/b' }, { do: 'write', path: 'volumes/b/volume.json', text: '{}' }]);
      intent.carryOut();
    });`;
  const env = { ...process.env, PLYFS_TEST_KILL_AFTER: String(n) };
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env,
    encoding: 'utf8',
    timeout: 10_000,
  });
  expect(done.stderr).toBe('');
  return done.signal;
}

test('a change killed at any step is done whole or not at all', { timeout: 120_000 }, () => {
  const seen = new Set<string>();
  let n = 1;
  for (; n < 20; n++) {
    const store = new Store(root);
    mkdirSync(store.path('volumes', 'a'), { recursive: true });
    const signal = moveKilledAt(n);
    store.locked(() => undefined);
    expect(readdirSync(store.path('pending'))).toEqual([]);
    const names = store.names('volumes');
    seen.add(names.join());
    if (names[0] === 'b') expect(readdirSync(store.path('volumes/b'))).toContain('volume.json');
    deleteTree(store.path('volumes'));
    if (signal === null) break;
  }
  expect([...seen].sort()).toEqual(['a', 'b']);
  expect(n).toBeGreaterThan(6);
});
