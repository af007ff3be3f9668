/** Records of the store and of mounts that run, as another version, a full disk or a hand may have left them; control lines. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { replyTo } from '../../../src/daemon/messages/control.js';
import { splitLines } from '../../../src/daemon/messages/lines.js';
import { readRunState } from '../../../src/daemon/run-directory/run-state.js';
import { listImages } from '../../../src/image/catalog/image-index.js';
import { layerTreePaths, readLayer } from '../../../src/image/catalog/layer-record.js';
import { listContainers, unnamedVolumesOf, usersOfVolume } from '../../../src/store/container-record.js';
import { Store } from '../../../src/store/store.js';
import { readUsage } from '../../../src/store/usage-record.js';
import { listVolumes } from '../../../src/store/volume-record.js';
import type { Target } from '../target.js';

// Made by the target that uses it: the thread of another may be ended in the middle.
const root = join(tmpdir(), `plyfs-fuzz-store-${randomUUID()}`);
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
const store = new Store(root);
const HEX = 'ab'.repeat(32);

const files = [
  [
    'containers/c/container.json',
    () => listContainers(store).map((one) => [unnamedVolumesOf(one), usersOfVolume(store, 'v')]),
  ],
  ['volumes/v/volume.json', () => listVolumes(store)],
  ['volumes/v/usage.json', () => readUsage(store.path('volumes', 'v'))],
  [`layers/${HEX}/layer.json`, () => [readLayer(store, HEX), layerTreePaths(store, [HEX])]],
  ['images/index.json', () => listImages(store)],
  ['run/state.json', () => readRunState(store.path('run'))],
] as const satisfies readonly (readonly [string, () => unknown])[];

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
const volume = {
  name: 'v',
  driver: 'local',
  createdAt: '2026-01-01T00:00:00Z',
  labels: {},
  options: { o: 'x' },
};
const layer = { diffId: `sha256:${HEX}`, tarBytes: 1, sizeBytes: 1, entries: 1, isRootOpaque: true };
const image = {
  mediaType: 'a',
  digest: `sha256:${HEX}`,
  size: 1,
  annotations: { 'org.opencontainers.image.ref.name': 'a' },
};
const state = {
  id: 'a',
  pid: 1,
  startTicks: 1,
  mountpoint: '/m',
  mountId: 1,
  createdAt: '2026-01-01T00:00:00Z',
  layers: ['/l'],
  mounts: [],
};

/** A first byte chooses the file. */
const records: Target = {
  name: 'store-json',
  seeds: [
    container,
    volume,
    { bytes: 1, files: 1, measuredAt: 'x' },
    layer,
    { schemaVersion: 2, manifests: [image] },
    state,
  ].map((value, index) => `${index}${JSON.stringify(value)}`),
  words: [
    'null',
    'true',
    '0',
    '""',
    '[]',
    '{}',
    '-1',
    '[null]',
    '"a"',
    '"__proto__":',
    '"mounts":',
    '"../../x"',
    ',',
  ],
  run(input) {
    const [path, read] = files[(input[0] ?? 0) % files.length]!;
    mkdirSync(dirname(store.path(path)), { recursive: true });
    writeFileSync(store.path(path), input.subarray(1), { mode: 0o600 });
    try {
      JSON.stringify(read());
    } finally {
      rmSync(store.path(path));
    }
  },
};

const handlers = new Map([['status', (args: Readonly<Record<string, unknown>>) => args]]);

const control: Target = {
  name: 'control',
  seeds: [
    '{"id":1,"name":"status","args":{"a":[1]}}\n',
    '{"id":2,"name":"nope"}\n{"id":3',
    '[]\nnull\n"x"\n',
  ],
  words: [
    '"id":',
    '"name":',
    '"args":',
    'null',
    '[]',
    '{',
    '}',
    '\n',
    '\r',
    '1e309',
    '"__proto__"',
    '\\ud800',
  ],
  async run(input) {
    const lines: (string | undefined)[] = [];
    const push = splitLines(4096, (line) => lines.push(line));
    const text = input.toString();
    for (let at = 0; at < text.length; at += 100) push(text.slice(at, at + 100));
    for (const line of lines) {
      if (line === undefined) continue;
      const reply = JSON.stringify(await replyTo(line, handlers));
      if (reply.includes('\n')) throw new Error(`two lines: ${reply}`);
    }
  },
};

export const storeTargets: readonly Target[] = [records, control];
