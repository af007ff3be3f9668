/**
 * The store by itself: what is seen under its names, and what a recovery makes of a half-done change.
 */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { lockFile, lockFilePatiently, lockInFolder, tryLockFile } from '../../../src/store/lock.js';
import { Store } from '../../../src/store/store.js';
import { abandonIntents } from '../../helpers/dead-intents.js';

let root: string;
let store: Store;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-store-'));
  store = new Store(join(root, 'store'));
});

afterEach(() => deleteTree(root));

describe('Store', () => {
  test('lockedIfThere() makes no store, and locks one that is there', () => {
    expect(store.lockedIfThere(() => store.isThere)).toBe(false);
    expect(existsSync(store.root)).toBe(false);
    store.locked(() => undefined);
    expect(store.lockedIfThere(() => tryLockFile(store.path('lock')))).toBeUndefined();
  });

  test('names() lists what was published, sorted, and not what is staged', () => {
    using intent = store.intend();
    for (const name of ['b', 'a']) store.publish(store.stage('volumes', intent), join('volumes', name));
    store.stage('volumes', intent);
    expect(store.names('volumes')).toEqual(['a', 'b']);
    expect(readdirSync(store.path('volumes'))).toHaveLength(3);
  });

  test('names() of a store that was never used is empty', () => {
    expect(store.names('containers')).toEqual([]);
    expect(existsSync(store.root)).toBe(false);
  });

  test('publish() refuses a name that exists', () => {
    using intent = store.intend();
    mkdirSync(store.path('volumes', 'a', '_data'), { recursive: true });
    expect(() => store.publish(store.stage('volumes', intent), 'volumes/a')).toThrow(/ENOTEMPTY|EEXIST/);
  });

  test('locked() keeps other processes out', () => {
    store.locked(() => expect(tryLockFile(store.path('lock'))).toBeUndefined());
    using lock = tryLockFile(store.path('lock'));
    expect(lock).toBeDefined();
  });

  test('locked() frees the lock when the change throws', () => {
    expect(() =>
      store.locked(() => {
        throw new Error('no');
      }),
    ).toThrow('no');
    using lock = tryLockFile(store.path('lock'));
    expect(lock).toBeDefined();
  });

  test('discard() takes the name away at once and the content after the lock', () => {
    mkdirSync(store.path('volumes', 'a', '_data'), { recursive: true });
    store.locked(() => {
      store.discard('volumes/a');
      expect(store.names('volumes')).toEqual([]);
      expect(store.trash()).toHaveLength(1);
    });
    expect(store.trash()).toEqual([]);
  });
});

describe('Intent', () => {
  test('undoes what was added, the last first, unless it ends', () => {
    {
      using intent = store.intend();
      const staged = store.stage('volumes', intent);
      writeFileSync(store.path(staged, 'x'), '');
    }
    expect(readdirSync(store.path('volumes'))).toEqual([]);
    expect(readdirSync(store.path('pending'))).toEqual([]);
  });

  test('ended leaves everything as it is', () => {
    using intent = store.intend();
    store.publish(store.stage('volumes', intent), 'volumes/a');
    intent.end();
    intent.carryOut();
    expect(store.names('volumes')).toEqual(['a']);
  });

  test('of a dead owner is carried out by the next who locks', () => {
    const intent = store.intend();
    const staged = store.stage('volumes', intent);
    abandonIntents(store);
    store.locked(() => undefined);
    expect(existsSync(store.path(staged))).toBe(false);
    expect(readdirSync(store.path('pending'))).toEqual([]);
  });

  test('of a living owner is left alone', () => {
    using intent = store.intend();
    const staged = store.stage('volumes', intent);
    store.locked(() => undefined);
    expect(existsSync(store.path(staged))).toBe(true);
  });

  test('decide() is completed in order, also twice', () => {
    mkdirSync(store.path('volumes', 'a'), { recursive: true });
    const intent = store.intend();
    intent.add({ do: 'remove', path: 'volumes/a' });
    intent.decide([
      { do: 'rename', from: 'volumes/a', to: 'volumes/b' },
      { do: 'write', path: 'volumes/b/volume.json', text: '{"name":"b"}' },
      { do: 'write', path: 'volumes/gone/volume.json', text: '{}' },
    ]);
    abandonIntents(store);
    store.locked(() => undefined);
    expect(readFileSync(store.path('volumes/b/volume.json'), 'utf8')).toBe('{"name":"b"}');
    expect(store.names('volumes')).toEqual(['b']);
  });

  test('a torn last line speaks of nothing', () => {
    mkdirSync(store.path('volumes', 'a'), { recursive: true });
    store.intend();
    abandonIntents(store);
    const [file] = readdirSync(store.path('pending'));
    writeFileSync(store.path('pending', file ?? ''), '[{"do":"remove","path":"volumes/a"');
    store.locked(() => undefined);
    expect(store.names('volumes')).toEqual(['a']);
  });
});

describe('removeTree()', () => {
  test('removes paths longer than PATH_MAX, directories without permissions, symlinks but not what they lead to', () => {
    const kept = join(root, 'kept');
    mkdirSync(kept);
    writeFileSync(join(kept, 'file'), '');
    const made = spawnSync(
      'sh',
      [
        '-c',
        `mkdir t && cd t && ln -s ../kept link && mkfifo pipe && mkdir -p closed/below && touch closed/below/x && chmod 0 closed/below closed
         n=0; while [ $n -lt 300 ]; do mkdir ddddddddddddddddddddd && cd -P ddddddddddddddddddddd && : >f; n=$((n+1)); done`,
      ],
      { cwd: root, encoding: 'utf8' },
    );
    expect(made.stderr).toBe('');
    deleteTree(join(root, 't'));
    expect(readdirSync(root)).toEqual(['kept']);
    expect(readdirSync(kept)).toEqual(['file']);
  });

  test('is content with a name that is not there, and removes a file', () => {
    deleteTree(join(root, 'none'));
    deleteTree(join(root, 'no', 'parent'));
    writeFileSync(join(root, 'file'), '');
    chmodSync(join(root, 'file'), 0);
    deleteTree(join(root, 'file'));
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('who has no time for large trees', () => {
  test('has them deleted elsewhere, and deletes small ones', () => {
    const handedOver: string[] = [];
    const busy = new Store(store.root, (of) => handedOver.push(of));
    for (const [name, count] of [
      ['small', 3],
      ['large', 600],
    ] as const) {
      const path = busy.path('volumes', name);
      mkdirSync(path, { recursive: true });
      for (let index = 0; index < count; index++) writeFileSync(join(path, `${index}`), '');
      busy.locked(() => busy.discard(join('volumes', name)));
    }
    expect(handedOver).toEqual([store.root]);
    expect(busy.trash()).toHaveLength(1);
    store.locked(() => undefined);
    expect(store.trash()).toEqual([]);
  });
});

test('lockInFolder() makes the lock, and not the folder of one that is gone', async () => {
  const home = join(root, 'gone');
  expect(await lockInFolder(join(home, 'lock'))).toBeUndefined();
  expect(existsSync(home)).toBe(false);
  mkdirSync(home);
  using lock = await lockInFolder(join(home, 'lock'));
  expect(lock).toBeDefined();
  expect(tryLockFile(join(home, 'lock'))).toBeUndefined();
});

describe('lockFilePatiently()', () => {
  test('lets this process go on, and does not make again what the holder has removed', async () => {
    const home = join(root, 'home');
    const held = lockFile(join(home, 'lock'));
    const waiting = lockFilePatiently(join(home, 'lock'));
    deleteTree(home);
    held[Symbol.dispose]();
    using _lock = await waiting;
    expect(existsSync(home)).toBe(false);
  });
});
