/**
 * kill -9 of a volume command after each of its durable steps: the next command works, nothing is lost, nothing leaks.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cliScript, Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('state');
});

afterEach(() => bench.dispose());

const LIMIT = 40;
const ID = 'c'.repeat(64);

interface Crash {
  /** Before each run. */
  readonly setUp: () => void;
  readonly args: readonly string[];
  readonly tearDown: () => void;
  readonly look: () => string;
}

/** Runs the command killed at step 1, 2, ... until it gets through. @returns what was seen, each once. */
function killAtEachStep({ setUp, args, look, tearDown }: Crash): { seen: string[]; steps: number } {
  const seen = new Set<string>();
  for (let step = 1; step < LIMIT; step++) {
    setUp();
    const { signal, status, stderr } = spawnSync(process.execPath, [cliScript, ...args, '--root', 'state'], {
      cwd: bench.root,
      env: { ...bench.env, PLYFS_TEST_KILL_AFTER: String(step) },
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([signal ?? status, stderr]).toEqual([signal === null ? 0 : 'SIGKILL', '']);
    // Any command that takes the lock mends what is left.
    run('volume', 'create', 'next');
    seen.add(look());
    for (const folder of ['pending', 'trash'])
      expect(readdirSync(join(bench.root, 'state', folder))).toEqual([]);
    expect(bench.mounted()).toEqual([]);
    tearDown();
    if (signal === null) return { seen: [...seen].sort(), steps: step - 1 };
  }
  throw new Error(`more than ${LIMIT} steps`);
}

function run(...args: string[]): string {
  const { code, stdout, stderr } = bench.plyfs(...args, '--root', 'state');
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** Names on disk, hidden ones too, with what is in them. */
function volumes(): string {
  const folder = join(bench.root, 'state/volumes');
  return readdirSync(folder)
    .filter((name) => name !== 'next')
    .sort()
    .map((name) => `${name}(${readdirSync(join(folder, name, '_data')).join()})`)
    .join(' ');
}

function removeAll(): void {
  rmSync(join(bench.root, 'state/volumes'), { recursive: true });
}

function fill(name: string): void {
  const home = join(bench.root, 'state/volumes', name);
  mkdirSync(join(home, '_data'), { recursive: true });
  const record = { name, createdAt: '', labels: {}, driver: 'local', options: {} };
  writeFileSync(join(home, 'volume.json'), JSON.stringify(record));
  writeFileSync(join(home, '_data/f'), 'kept');
}

describe('killed after each step', { timeout: 240_000 }, () => {
  it.each([
    ['create', ['volume', 'create', 'data'], ['', 'data()']],
    ['create with size=', ['volume', 'create', '--opt', 'size=2m', 'data'], ['', 'data()']],
  ])('%s', (_, args, outcomes) => {
    const crash = { setUp: () => undefined, args, look: volumes, tearDown: removeAll };
    const { seen, steps } = killAtEachStep(crash);
    expect(seen).toEqual(outcomes);
    expect(steps).toBeGreaterThan(6);
  });

  it('rm', () => {
    // What only removes makes no store, and finds nothing in a directory that is none.
    run('volume', 'create', 'next');
    const { seen, steps } = killAtEachStep({
      setUp: () => fill('data'),
      args: ['volume', 'rm', 'data'],
      look: volumes,
      tearDown: removeAll,
    });
    expect(seen).toEqual(['', 'data(f)']);
    expect(steps).toBeGreaterThanOrEqual(2);
  });

  it('rename: volume and containers agree', () => {
    const record = join(bench.root, 'state/containers', ID, 'container.json');
    const { seen, steps } = killAtEachStep({
      setUp: () => {
        fill('old');
        const mounts = [{ origin: 'volume', request: { type: 'volume', source: 'old', target: '/x' } }];
        mkdirSync(join(record, '..'), { recursive: true });
        writeFileSync(record, JSON.stringify({ id: ID, name: 'app', createdAt: '', layers: [], mounts }));
      },
      args: ['volume', 'rename', 'old', 'new'],
      look: () => `${volumes()} ${JSON.parse(readFileSync(record, 'utf8')).mounts[0].request.source}`,
      tearDown: () => {
        writeFileSync(record, JSON.stringify({ id: ID, name: 'app', createdAt: '', layers: [], mounts: [] }));
        removeAll();
      },
    });
    expect(seen).toEqual(['new(f) new', 'old(f) old']);
    expect(steps).toBeGreaterThan(6);
  });

  it('clone', () => {
    const { seen, steps } = killAtEachStep({
      setUp: () => fill('data'),
      args: ['volume', 'clone', 'data', 'copy'],
      look: volumes,
      tearDown: removeAll,
    });
    expect(seen).toEqual(['copy(f) data(f)', 'data(f)']);
    expect(steps).toBeGreaterThan(6);
    expect(existsSync(join(bench.root, 'state/volumes/copy'))).toBe(false);
  });

  it('snapshot create, restore and rm', () => {
    const state = join(bench.root, 'state/volumes/data/snapshots/s');
    const data = join(bench.root, 'state/volumes/data/_data');
    const withSnapshot = (): void => {
      fill('data');
      mkdirSync(join(state, 'tree'), { recursive: true });
      writeFileSync(join(state, 'tree/before'), 'before');
      writeFileSync(join(state, 'state.json'), JSON.stringify({ name: 's', createdAt: '', about: {} }));
    };
    const look = (): string => {
      const kept = existsSync(join(state, 'state.json')) ? readdirSync(join(state, 'tree')).join() : 'none';
      return `${volumes()} ${kept}`;
    };
    const at = (command: string, setUp: () => void) =>
      killAtEachStep({ setUp, args: ['snapshot', command, 'volume:data', 's'], look, tearDown: removeAll });
    const created = at('create', () => fill('data'));
    expect(created.seen).toEqual(['data(f) f', 'data(f) none']);
    expect(created.steps).toBeGreaterThan(6);
    const restored = at('restore', withSnapshot);
    expect(restored.seen).toEqual(['data(before) before', 'data(f) before']);
    expect(restored.steps).toBeGreaterThan(6);
    expect(at('rm', withSnapshot).seen).toEqual(['data(f) before', 'data(f) none']);
    expect(existsSync(data)).toBe(false);
  });

  it('a daemon that makes volumes and mounts their storage', () => {
    mkdirSync(join(bench.root, 'l1'));
    mkdirSync(join(bench.root, 'm'));
    const remote = {
      name: 'far',
      createdAt: '',
      labels: {},
      driver: 'local',
      options: { type: 'tmpfs', device: 'tmpfs' },
    };
    const seen = new Set<string>();
    let code: number | undefined = 1;
    for (let step = 1; code !== 0 && step < LIMIT; step++) {
      fill('far');
      writeFileSync(join(bench.root, 'state/volumes/far/volume.json'), JSON.stringify(remote));
      const mounts = ['-v', 'far:/far', '-v', '/anonymous', '-v', 'named:/named'];
      const args = ['mount', '-l', 'l1', '--root', 'state', ...mounts, 'm'];
      ({ code } = bench.run('env', `PLYFS_TEST_KILL_AFTER=${step}`, process.execPath, cliScript, ...args));
      if (code === 0) break;
      run('volume', 'create', `next-${step}`);
      const names = readdirSync(join(bench.root, 'state/volumes')).filter((name) => !name.startsWith('next'));
      expect(names.filter((name) => name !== 'far' && name !== 'named')).toEqual([]);
      seen.add(names.join());
      expect(readdirSync(join(bench.root, 'state/pending'))).toEqual([]);
      // The storage may still be mounted; the volume can be removed all the same, and its files are not in it.
      run('volume', 'rm', 'far');
      expect(bench.mounted()).toEqual([]);
    }
    expect(code).toBe(0);
    expect(seen).toContain('far');
    expect(seen).toContain('far,named');
    expect(bench.plyfs('umount', 'm').code).toBe(0);
    expect(bench.mounted()).toEqual([]);
  });
});
