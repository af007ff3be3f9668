/** Files of a volume that the page writes: in place or whole, and never outside of the volume. */

import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { editVolumeFile, placeUpload } from '../../../src/ui/change/write-volume-file.js';
import { createVolume } from '../../../src/volume/create-volume.js';

let root: string;
let store: Store;
let data: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-page-'));
  store = new Store(join(root, 'store'));
  createVolume(store, { name: 'data' });
  data = store.path('volumes/data/_data');
  mkdirSync(join(root, 'outside'));
  writeFileSync(join(root, 'outside/private'), 'private');
  writeFileSync(join(root, 'sent'), 'sent');
});
afterEach(() => rmSync(root, { recursive: true }));

const at = (path: string) => ({ volume: 'data', path });

function versionOf(path: string): string {
  const { size, mtimeNs } = statSync(join(data, path), { bigint: true });
  return `${size}-${mtimeNs / 1_000_000_000n}.${mtimeNs % 1_000_000_000n}`;
}

it('edits in place: the other names of the file show it, and it becomes shorter too', async () => {
  writeFileSync(join(data, 'one'), 'a longer text');
  linkSync(join(data, 'one'), join(data, 'two'));
  const version = await editVolumeFile(store, at('one'), { text: 'short', version: versionOf('one') });
  expect(readFileSync(join(data, 'two'), 'utf8')).toBe('short');
  expect(version).toBe(versionOf('one'));
});

it('refuses to edit what somebody has written meanwhile', async () => {
  writeFileSync(join(data, 'one'), 'first');
  const version = versionOf('one');
  writeFileSync(join(data, 'one'), 'of somebody else');
  await expect(editVolumeFile(store, at('one'), { text: 'mine', version })).rejects.toThrow(/somebody else/);
  expect(readFileSync(join(data, 'one'), 'utf8')).toBe('of somebody else');
});

it.each([
  'link/private',
  'file',
  '../../../../outside/private',
])('is not led out of the volume by %j', async (path) => {
  symlinkSync(join(root, 'outside'), join(data, 'link'));
  symlinkSync(join(root, 'outside/private'), join(data, 'file'));
  const version = '7-0.0';
  await expect(editVolumeFile(store, at(path), { text: 'x', version })).rejects.toThrow();
  await expect(placeUpload(store, at(path), join(root, 'sent'))).rejects.toThrow();
  expect(readFileSync(join(root, 'outside/private'), 'utf8')).toBe('private');
  expect(readdirSync(join(root, 'outside'))).toEqual(['private']);
});

it('an upload is there whole, with the mode that the file had, or not at all', async () => {
  writeFileSync(join(data, 'old'), 'old', { mode: 0o640 });
  await placeUpload(store, at('old'), join(root, 'sent'));
  await placeUpload(store, at('new'), join(root, 'sent'));
  expect([readFileSync(join(data, 'old'), 'utf8'), statSync(join(data, 'old')).mode & 0o777]).toEqual([
    'sent',
    0o640,
  ]);
  expect(statSync(join(data, 'new')).mode & 0o777).toBe(0o644);
  mkdirSync(join(data, 'folder'));
  await expect(placeUpload(store, at('folder'), join(root, 'sent'))).rejects.toThrow(/no file/);
  await expect(placeUpload(store, at('missing/new'), join(root, 'sent'))).rejects.toThrow();
  await expect(placeUpload(store, at('broken'), join(root, 'nothing'))).rejects.toThrow();
  expect(existsSync(join(data, 'broken'))).toBe(false);
  expect(readdirSync(data).sort()).toEqual(['folder', 'new', 'old']);
});
