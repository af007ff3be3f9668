/** The life of volumes in a store, without containers and daemons. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VolumeRequest } from '../../../src/mounts/request/types.js';
import { parseVolumeSpec } from '../../../src/mounts/request/volume-spec.js';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { Store } from '../../../src/store/store.js';
import { listVolumes, readVolume } from '../../../src/store/volume-record.js';
import { createVolume, ensureVolume } from '../../../src/volume/create-volume.js';
import { removeVolume } from '../../../src/volume/remove-volume.js';
import { reserveVolume } from '../../../src/volume/use.js';
import { abandonIntents } from '../../helpers/dead-intents.js';

let root: string;
let store: Store;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-volume-'));
  store = new Store(join(root, 'store'));
});

afterEach(() => deleteTree(root));

const nobody = () => [];

function request(spec: string): VolumeRequest {
  return parseVolumeSpec(spec, { cwd: '/' }) as VolumeRequest;
}

describe('createVolume()', () => {
  test('makes a directory with a record, also under a narrow umask', () => {
    const mask = process.umask(0o077);
    const { record, made } = createVolume(store, { name: 'data', labels: { a: 'b' } });
    process.umask(mask);
    expect(made).toBe(true);
    expect(readVolume(store, 'data')).toEqual(record);
    expect(record).toMatchObject({ name: 'data', driver: 'local', labels: { a: 'b' }, options: {} });
    expect(
      spawnSync('stat', ['-c', '%a', store.path('volumes/data'), store.path('volumes/data/_data')]).stdout +
        '',
    ).toBe('710\n755\n');
  });

  test('is idempotent for the same name, options and labels', () => {
    const options = { type: 'tmpfs', device: 'tmpfs' };
    const first = createVolume(store, { name: 'data', options, labels: { a: 'b' } });
    writeFileSync(store.path('volumes/data/_data/f'), 'x');
    const second = createVolume(store, { name: 'data', options, labels: { a: 'b' } });
    expect(second).toEqual({ record: first.record, made: false });
    expect(createVolume(store, { name: 'data', options }).made).toBe(false);
    expect(readdirSync(store.path('volumes/data/_data'))).toEqual(['f']);
    expect(readdirSync(store.path('volumes'))).toEqual(['data']);
  });

  test.each([
    [{ name: 'data' }, "volume 'data' exists with other options: type=tmpfs device=tmpfs"],
    [
      { name: 'data', options: { type: 'tmpfs', device: 'other' } },
      "volume 'data' exists with other options: type=tmpfs device=tmpfs",
    ],
    [
      { name: 'data', options: { type: 'tmpfs', device: 'tmpfs' }, labels: { a: 'c' } },
      "volume 'data' exists without the label 'a=c'",
    ],
    [{ name: 'd' }, /^invalid volume name 'd'/],
    [{ name: 'dd', driver: 'x' }, "no such volume driver: 'x'"],
  ])('refuses %j', (options, message) => {
    createVolume(store, { name: 'data', options: { type: 'tmpfs', device: 'tmpfs' }, labels: { a: 'b' } });
    expect(() => createVolume(store, options as { name: string })).toThrow(message);
    expect(readdirSync(store.path('volumes'))).toEqual(['data']);
  });

  test('labels an anonymous volume, and remembers what it was made for', () => {
    const madeFor = { container: 'c'.repeat(64), image: 'app:1', path: '/data' };
    const { record } = createVolume(store, { madeFor });
    expect(record.name).toMatch(/^[0-9a-f]{64}$/);
    expect(record.labels).toEqual({ 'plyfs.volume.anonymous': '' });
    expect(readVolume(store, record.name)?.madeFor).toEqual(madeFor);
  });

  test('takes a directory that somebody has put there', () => {
    mkdirSync(store.path('volumes/data/_data'), { recursive: true });
    writeFileSync(store.path('volumes/data/_data/f'), 'x');
    expect(createVolume(store, { name: 'data' }).made).toBe(false);
    expect(listVolumes(store).map(({ name }) => name)).toEqual(['data']);
    expect(readFileSync(store.path('volumes/data/_data/f'), 'utf8')).toBe('x');
  });

  test('undone with a larger change: an anonymous volume goes, a named one stays', () => {
    const undo = store.intend();
    createVolume(store, {}, undo);
    createVolume(store, { name: 'named' }, undo);
    abandonIntents(store);
    store.locked(() => undefined);
    expect(store.names('volumes')).toEqual(['named']);
  });
});

describe('ensureVolume()', () => {
  test('uses a volume as it is when the mount has no options of its own', () => {
    createVolume(store, { name: 'data', options: { type: 'tmpfs', device: 'tmpfs' } });
    expect(ensureVolume(store, request('data:/x')).made).toBe(false);
  });

  test('gives an anonymous volume the name chosen for it', () => {
    const name = 'ab'.repeat(32);
    const { record } = ensureVolume(store, request('/x'), { name });
    expect(record).toMatchObject({ name, labels: { 'plyfs.volume.anonymous': '' } });
  });
});

describe('removeVolume()', () => {
  test('removes record and content', () => {
    createVolume(store, { name: 'data' });
    writeFileSync(store.path('volumes/data/_data/f'), 'x');
    removeVolume(store, 'data', nobody);
    expect(readdirSync(store.path('volumes'))).toEqual([]);
    expect(store.trash()).toEqual([]);
  });

  test('says that there is none', () => {
    expect(() => removeVolume(store, 'data', nobody)).toThrow("no such volume: 'data'");
  });

  test('refuses one that a container has, running or not', () => {
    createVolume(store, { name: 'data' });
    for (const id of ['b'.repeat(64), 'a'.repeat(64)]) {
      mkdirSync(store.path('containers', id), { recursive: true });
      const mounts = [{ origin: 'volume', request: request('data:/x') }];
      writeFileSync(
        store.path('containers', id, 'container.json'),
        JSON.stringify({ id, createdAt: '', mounts }),
      );
    }
    expect(() => removeVolume(store, 'data', nobody)).toThrow(
      `cannot remove volume 'data': volume is in use - [${'a'.repeat(64)}, ${'b'.repeat(64)}]`,
    );
  });

  test('refuses one that a process uses, until that ends', () => {
    createVolume(store, { name: 'data' });
    {
      using _ = reserveVolume(store, 'data');
      expect(() => removeVolume(store, 'data', () => ['m1'])).toThrow(
        "cannot remove volume 'data': volume is in use - [m1]",
      );
      using again = reserveVolume(store, 'data');
      expect(again.path).toBe(store.path('volumes/data/_data'));
    }
    removeVolume(store, 'data', nobody);
    expect(existsSync(store.path('volumes/data'))).toBe(false);
  });
});

describe('reserveVolume()', () => {
  test('says that there is none', () => {
    expect(() => reserveVolume(store, 'data')).toThrow("no such volume: 'data'");
    mkdirSync(store.path('volumes/data'), { recursive: true });
    expect(() => reserveVolume(store, 'data')).toThrow("no such volume: 'data'");
  });
});
