/**
 * kill -9 of a command after each of its durable steps, and of the daemon: the next command works, nothing is lost,
 * nothing leaks.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listImages } from '../../../src/image/catalog/image-index.js';
import { listContainers } from '../../../src/store/container-record.js';
import { addImage } from '../../helpers/images.js';
import { KILL_STRIDE } from '../../helpers/kill-stride.js';
import { cliScript, isGone, until, untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench();
  addImage(bench.store.root, { name: 'data:latest', config: { Volumes: { '/data': {} } } }, [
    (directory) => mkdirSync(`${directory}/data/seed`, { recursive: true }),
  ]);
});
afterAll(() => bench.dispose());

const LIMIT = 60;

/** Runs the command killed at one step after the other until it gets through. @returns how many steps it has. */
async function killAtEachStep(setUp: () => void, args: readonly string[], look: () => void): Promise<number> {
  for (let step = 1; step < LIMIT; step += KILL_STRIDE) {
    setUp();
    const words = [...args.slice(0, 2), '--root', bench.store.root, ...args.slice(2)];
    const { signal, status, stderr } = spawnSync(process.execPath, [cliScript, ...words], {
      env: { ...bench.env, PLYFS_TEST_KILL_AFTER: String(step) },
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([signal ?? status, stderr]).toEqual([signal === null ? 0 : 'SIGKILL', '']);
    mend();
    await untilIs(() => bench.mounted().length, 0);
    for (const folder of ['pending', 'trash']) expect(readdirSync(bench.store.path(folder))).toEqual([]);
    look();
    for (const id of bench.store.names('containers')) bench.get('container', 'rm', '-fv', id);
    expect(bench.store.names('volumes')).toEqual([]);
    if (signal === null) return step - 1;
  }
  throw new Error(`more than ${LIMIT} steps`);
}

/** As each command does that takes the lock; two processes a step less than with a command. */
function mend(): void {
  bench.store.locked(() => undefined);
}

/** Nothing, or a container with its filled volume. */
function wholeOrNothing(): void {
  expect(readdirSync(bench.store.path('containers'))).toEqual(
    listContainers(bench.store).map(({ id }) => id),
  );
  const volumes = readdirSync(bench.store.path('volumes'));
  if (bench.store.names('containers').length === 0) expect(volumes).toEqual([]);
  else
    expect(volumes.map((name) => readdirSync(bench.store.path('volumes', name, '_data')))).toEqual([
      ['seed'],
    ]);
}

describe('killed after each step', { timeout: 400_000 }, () => {
  test('create: the container is there with its filled volume, or neither is', async () => {
    const steps = await killAtEachStep(() => undefined, ['container', 'create', 'data'], wholeOrNothing);
    expect(steps).toBeGreaterThan(10);
  });

  test('rm -v: both are there, or neither', async () => {
    const setUp = () => void bench.get('container', 'create', '--name', 'gone', 'data');
    const steps = await killAtEachStep(setUp, ['container', 'rm', '-v', 'gone'], wholeOrNothing);
    expect(steps).toBeGreaterThan(3);
  });

  test('commit: the image is there as a whole, or nothing of it is', async () => {
    const stored = () =>
      ['layers', 'images/blobs/sha256'].map((folder) => readdirSync(bench.store.path(folder)).sort());
    const before = stored();
    const setUp = () => {
      const id = bench.get('container', 'create', '--name', 'source', '--no-image-volumes', 'data');
      writeFileSync(bench.store.path('containers', id, 'upper', 'note'), 'committed');
    };
    const seen = new Set<number>();
    const steps = await killAtEachStep(setUp, ['container', 'commit', 'source', 'made:1'], () => {
      const made = listImages(bench.store).filter(({ names }) => names.includes('made:1'));
      seen.add(made.length);
      for (const { layers } of made) {
        const note = bench.store.path('layers', layers.at(-1) ?? '', 'tree', 'note');
        expect(readFileSync(note, 'utf8')).toBe('committed');
        bench.get('image', 'rm', 'made:1');
      }
      expect(stored()).toEqual(before);
    });
    expect([...seen].sort()).toEqual([0, 1]);
    expect(steps).toBeGreaterThan(5);
  });

  test('rename: it has the old name or the new', async () => {
    const setUp = () => void bench.get('container', 'create', '--name', 'old', 'data');
    await killAtEachStep(setUp, ['container', 'rename', 'old', 'new'], () => {
      expect(bench.get('ps', '-a', '--format', '{{.Names}}')).toMatch(/^(old|new)$/);
    });
  });
});

describe('mount-add killed after each step', { timeout: 400_000 }, () => {
  const mountsOf = () => listContainers(bench.store).flatMap(({ mounts }) => mounts);

  /** No volume that no mount is of, no mount without its volume. */
  function noHalfMount(): void {
    const volumes = mountsOf().map(({ request }) => request.source);
    expect(bench.store.names('volumes')).toEqual(volumes.sort());
  }

  test('of a stopped container: it has the mount with its volume, or neither', async () => {
    const seen = new Set<number>();
    const setUp = () =>
      void bench.get('container', 'create', '--name', 'grows', '--no-image-volumes', 'data');
    const steps = await killAtEachStep(setUp, ['container', 'mount-add', 'grows', '/data'], () => {
      noHalfMount();
      seen.add(mountsOf().length);
    });
    expect([...seen].sort()).toEqual([0, 1]);
    expect(steps).toBeGreaterThan(5);
  });

  test('of a running container: the same command once more goes through, or it was done', async () => {
    bench.get('container', 'create', '--name', 'grows', '--no-image-volumes', 'data');
    const path = bench.get('container', 'mount', 'grows');
    const add = ['container', 'mount-add', '--root', bench.store.root, 'grows', 'kept:/data'];
    for (let step = 1; ; step += KILL_STRIDE) {
      const env = { ...bench.env, PLYFS_TEST_KILL_AFTER: String(step) };
      const { signal } = spawnSync(process.execPath, [cliScript, ...add], { env, timeout: 60_000 });
      mend();
      if (mountsOf().length === 0) bench.get('container', 'mount-add', 'grows', 'kept:/data');
      expect(bench.run('ls', `${path}/data`).stdout).toBe('seed\n');
      bench.get('container', 'mount-rm', 'grows', '/data');
      expect(mountsOf()).toEqual([]);
      await untilIs(() => bench.do('volume', 'rm', 'kept').code, 0);
      expect(readdirSync(bench.store.path('pending'))).toEqual([]);
      if (signal === null) break;
      expect(step).toBeLessThan(LIMIT);
    }
    bench.get('container', 'rm', '-f', 'grows');
  });
});

describe('a killed daemon', () => {
  test('that has no keeper shows in ls; start and stop mend it, and no change is lost', async () => {
    bench.env.PLYFS_KEEPER = 'off';
    bench.get('container', 'create', '--name', 'hurt', 'data');
    const path = bench.get('container', 'mount', 'hurt');
    bench.run('sh', '-c', `echo kept > ${path}/note`);
    const kill = async () => {
      const pid = Number(bench.get('container', 'inspect', '-f', '{{.State.DaemonPid}}', 'hurt'));
      process.kill(pid, 'SIGKILL');
      await until(() => isGone(pid));
    };
    await kill();
    expect(bench.get('ps', '--format', '{{.Names}} {{.State}} {{.Status}}')).toBe(
      'hurt dead Dead (its daemon is gone)',
    );
    expect(bench.do('exec', 'hurt', 'true').code).toBe(1);
    bench.get('container', 'mount', 'hurt');
    expect(bench.run('cat', `${path}/note`).stdout).toBe('kept\n');
    await kill();
    bench.get('container', 'stop', 'hurt');
    expect(bench.mounted()).toEqual([]);
    expect(readFileSync(`${path.replace(/merged$/, 'upper')}/note`, 'utf8')).toBe('kept\n');
    await killedWhile('mount');
    bench.get('container', 'rm', '-f', 'hurt');
    expect(existsSync(path)).toBe(false);
  }, 120_000);

  /** rm -f of one whose daemon is gone. */
  async function killedWhile(command: string): Promise<void> {
    bench.get('container', command, 'hurt');
    const pid = Number(bench.get('container', 'inspect', '-f', '{{.State.DaemonPid}}', 'hurt'));
    process.kill(pid, 'SIGKILL');
    await until(() => isGone(pid));
  }
});
