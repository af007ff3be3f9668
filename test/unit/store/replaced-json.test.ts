/** Records that wait for no disk: whole for readers, and none where a power cut has left an empty file. */

import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJson, readReplacedJson, replaceJson } from '../../../src/store/atomic-file.js';
import { deleteTree } from '../../../src/store/delete-tree.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-replaced-'));
});

afterEach(() => deleteTree(root));

test('replaceJson() leaves the new content and nothing else', () => {
  const path = join(root, 'state.json');
  replaceJson(path, { one: 1 });
  replaceJson(path, { one: 2 }, 0o600);
  expect(readReplacedJson(path)).toEqual({ one: 2 });
  expect(readdirSync(root)).toEqual(['state.json']);
});

test('readReplacedJson() takes an empty file for none, and tells one that is damaged', () => {
  const path = join(root, 'state.json');
  expect(readReplacedJson(path)).toBeUndefined();
  writeFileSync(path, '');
  expect(readReplacedJson(path)).toBeUndefined();
  expect(() => readJson(path)).toThrow('it is no JSON');
  writeFileSync(path, '{"one":');
  expect(() => readReplacedJson(path)).toThrow('it is no JSON');
});
