/** Which score a daemon asks for; the file stands for /proc/self/oom_score_adj, which takes a lower one from the privileged alone. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { spareFromOomKiller } from '../../../src/daemon/serve/out-of-memory.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-score-'));
});
afterEach(() => rmSync(root, { recursive: true }));

it.each([
  ['0\n', '-500'],
  ['300\n', '300\n'],
  ['-900\n', '-900\n'],
])('of %j becomes %j', (before, after) => {
  const score = join(root, 'score');
  writeFileSync(score, before);
  spareFromOomKiller(score);
  expect(readFileSync(score, 'latin1')).toBe(after);
});

it('is left alone where it cannot be read', () => {
  expect(() => spareFromOomKiller(join(root, 'missing'))).not.toThrow();
});
