/** Records of the store that hold anything: they are read as what they must be, or refused in a line. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { LogFile } from '../../../src/container/command/attach/log-file.js';
import { openLogs } from '../../../src/container/command/attach/log-files.js';
import { UserError } from '../../../src/errno/user-error.js';
import { listImages } from '../../../src/image/catalog/image-index.js';
import { layerTreePaths, readLayer } from '../../../src/image/catalog/layer-record.js';
import { listContainers, unnamedVolumesOf, usersOfVolume } from '../../../src/store/container-record.js';
import { isLockFree } from '../../../src/store/lock.js';
import { Store } from '../../../src/store/store.js';
import { readUsage } from '../../../src/store/usage-record.js';
import { listVolumes } from '../../../src/store/volume-record.js';

const root = mkdtempSync(join(tmpdir(), 'plyfs-records-'));
afterAll(() => rmSync(root, { recursive: true }));
const store = new Store(root);
const HEX = 'ab'.repeat(32);

const container = {
  id: 'c',
  name: 'web',
  createdAt: '2026-01-01T00:00:00Z',
  image: { id: `sha256:${HEX}`, name: 'a' },
  layers: [HEX],
  labels: { a: 'b' },
  mounts: [{ origin: 'volume', unnamed: true, request: { type: 'volume', source: 'v', target: '/v' } }],
  process: { entrypoint: [], command: ['x'], environment: [], workingDirectory: '/', user: '' },
};

function readContainers(): unknown {
  return listContainers(store).map((one) => [unnamedVolumesOf(one), usersOfVolume(store, 'v')]);
}

const digest = `sha256:${HEX}`;
const cases: readonly [string, object, () => unknown][] = [
  ['containers/c/container.json', container, readContainers],
  [
    'volumes/v/volume.json',
    { name: 'v', driver: 'local', createdAt: 'x', labels: {}, options: { o: 'x' } },
    () => listVolumes(store),
  ],
  ['volumes/v/usage.json', { bytes: 1, files: 1, measuredAt: 'x' }, () => readUsage(`${root}/volumes/v`)],
  [
    `layers/${HEX}/layer.json`,
    { diffId: digest, tarBytes: 1, sizeBytes: 1, entries: 1, isRootOpaque: true },
    () => [readLayer(store, HEX), layerTreePaths(store, [HEX])],
  ],
  [
    'images/index.json',
    { schemaVersion: 2, manifests: [{ mediaType: 'a', digest, size: 1, annotations: { a: 'b' } }] },
    () => listImages(store),
  ],
];

/** A copy with one value somewhere in it replaced, or taken away. */
function damaged(value: unknown, at: number, by: unknown): unknown {
  let left = at;
  const copy = (one: unknown): unknown => {
    if (left-- === 0) return by;
    if (Array.isArray(one)) return one.map(copy);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, copy(inner)]));
  };
  return copy(value);
}

test.each(cases)('%s', (path, record, read) => {
  mkdirSync(dirname(`${root}/${path}`), { recursive: true });
  const tryText = (text: string): void => {
    writeFileSync(`${root}/${path}`, text);
    try {
      read();
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      expect((error as Error).message).not.toContain('\n');
    }
  };
  fc.assert(
    fc.property(fc.nat(30), fc.option(fc.jsonValue(), { nil: undefined }), (at, by) =>
      tryText(JSON.stringify(damaged(record, at, by)) ?? ''),
    ),
    { numRuns: 500, seed: 12 },
  );
  fc.assert(fc.property(fc.string(), tryText), { numRuns: 100, seed: 12 });
  rmSync(`${root}/${path}`);
});

test('a broken record is told by its path and what is wrong, with where to go', () => {
  mkdirSync(`${root}/containers/c`, { recursive: true });
  const path = `${root}/containers/c/container.json`;
  writeFileSync(path, JSON.stringify({ ...container, mounts: undefined }));
  expect(readContainers).toThrow(`cannot read '${path}': 'mounts' of it is no list`);
  writeFileSync(path, '{');
  expect(readContainers).toThrow(`cannot read '${path}': it is no JSON`);
});

test('what is no file in the place of a record holds nobody up', () => {
  mkdirSync(`${root}/containers/c`, { recursive: true });
  const path = `${root}/containers/c/container.json`;
  rmSync(path, { force: true });
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  expect(readContainers).toThrow(`cannot read '${path}': it is no file`);
  rmSync(path);
  mkdirSync(path);
  expect(readContainers).toThrow(`cannot read '${path}': it is no file`);
  rmdirSync(path);
  symlinkSync('/dev/zero', path);
  expect(readContainers).toThrow(`cannot read '${path}': it is no file`);
  rmSync(path);
  writeFileSync(path, '');
  truncateSync(path, 2 ** 36);
  expect(readContainers).toThrow(`cannot read '${path}': it is larger than 64 MiB`);
  rmSync(path);
});

test('a lock and a log that are fifos hold nobody up', () => {
  const path = `${root}/fifo`;
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  expect(isLockFree(path)).toBe(true);
  expect(() => new LogFile(path)).toThrow('ENXIO');
  expect(() => openLogs(path)).toThrow(`cannot read the log '${path}': it is no file`);
});
