/** Containers and volumes on remote storage: their commands, while its server is stopped. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ContainerBench } from '../cli/container/bench.js';
import { type Store, startGluster, startSshfs } from './remote-stores.js';

/** How much longer a command may take than while all answers. */
const LATER_MS = 1_000;
/** What the kernel keeps of attributes that a FUSE server gave. */
const KERNEL_CACHE_MS = 1_100;

let bench: ContainerBench;
const stores: Record<string, Store> = {};

beforeAll(async () => {
  bench = new ContainerBench('scratch', 'host');
  bench.addImages();
  stores.sshfs = await startSshfs(join(bench.root, 'scratch'));
  stores.glusterfs = await startGluster(join(bench.root, 'scratch'));
  for (const { name, volume } of Object.values(stores))
    bench.get('volume', 'create', ...volume.flatMap((option) => ['--opt', option]), `on-${name}`);
}, 120_000);

afterEach(() => {
  for (const store of Object.values(stores)) store.resume();
  const ids = bench.get('container', 'ls', '-aq').split('\n').filter(Boolean);
  if (ids.length > 0) bench.do('container', 'rm', '-f', ...ids);
});

afterAll(async () => {
  for (const store of Object.values(stores)) await store.end();
  bench.dispose();
}, 120_000);

function start(...options: string[]): void {
  bench.get('container', 'create', '--name', 'app', ...options, 'box', 'sleep', '100');
  bench.get('container', 'start', 'app');
}

/** The quickest of three times, or the first within the limit: other work on the machine may hold up one, hardly three. */
function quickestMs(args: readonly string[], limitMs: number): number {
  let quickest = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 3 && quickest > limitMs; turn++)
    quickest = Math.min(quickest, millisecondsOf(args));
  return quickest;
}

function millisecondsOf(args: readonly string[]): number {
  const started = performance.now();
  expect(bench.do(...args).code).toBe(0);
  return performance.now() - started;
}

async function pause(store: Store): Promise<void> {
  store.pause();
  await new Promise((resolve) => setTimeout(resolve, KERNEL_CACHE_MS));
}

interface ListedMount {
  readonly Destination: string;
  readonly Storage?: string;
  readonly Lacks?: readonly { readonly Operation: string; readonly Error: string }[];
  readonly Waiting?: { readonly Requests: number };
}

function inspected(): readonly ListedMount[] {
  return JSON.parse(
    bench.get('container', 'inspect', '--format', '{{json .Mounts}}', 'app'),
  ) as ListedMount[];
}

describe.each(['sshfs', 'glusterfs'])('a container with a volume on %s', (name) => {
  const volume = `on-${name}`;

  it('mounts it once, says what it lacks, and leaves nothing mounted', () => {
    start('-v', `${volume}:/far`, '-v', `${bench.root}/host:/near`);
    bench.get('container', 'create', '--name', 'other', '-v', `${volume}:/x`, 'box', 'sleep', '100');
    bench.get('container', 'start', 'other');
    expect(bench.get('exec', 'app', 'sh', '-c', 'echo kept > /far/file')).toBe('');
    expect(bench.get('exec', 'other', 'cat', '/x/file')).toBe('kept');
    const [remote, near] = ['/far', '/near'].map((at) => inspected().find((one) => one.Destination === at)!);
    expect(remote).toMatchObject({ Storage: `fuse.${name}`, Waiting: { Requests: 0 } });
    expect(remote!.Lacks).toEqual(name === 'sshfs' ? [{ Operation: 'xattr', Error: 'EOPNOTSUPP' }] : []);
    expect(near).not.toHaveProperty('Storage');
    bench.get('exec', 'app', 'rm', '/far/file');
    bench.get('container', 'rm', '-f', 'app', 'other');
    expect(bench.mounted().filter((one) => one.startsWith('store/'))).toEqual([]);
  });

  it('is filled by the image, exported and cloned', () => {
    bench.get('container', 'create', '--name', 'app', '-v', `${volume}:/data`, 'data');
    expect(bench.sh('cat /far/seed', '-v', `${volume}:/far`)).toMatch(/from the image/);
    bench.get('volume', 'export', '-o', join(bench.root, 'out.tar'), volume);
    expect(bench.run('tar', '-tf', 'out.tar').stdout).toContain('seed');
    bench.get('volume', 'clone', volume, `${name}-copy`);
    expect(bench.sh('cat /x/seed', '-v', `${name}-copy:/x`)).toBe('from the image');
    bench.sh('rm /far/seed', '-v', `${volume}:/far`);
  });

  it('that hangs keeps no command waiting but those that need it', { timeout: 120_000 }, async () => {
    const store = stores[name]!;
    writeFileSync(join(store.path, 'kept'), 'kept\n');
    start('-v', `${volume}:/far`, '-v', `${store.path}:/limited:timeout=1s`);
    const commands = [
      ['container', 'ls'],
      ['container', 'inspect', 'app'],
      ['container', 'prune', '-f'],
      ['volume', 'ls'],
      ['volume', 'inspect', volume],
      ['volume', 'prune', '-f'],
      ['exec', 'app', 'ls', '/'],
    ];
    const usual = commands.map((args) => millisecondsOf(args));
    await pause(store);
    const hanging = bench.start('sh', '-c', `exec cat '${bench.get('container', 'mount', 'app')}/far/none'`);
    const ended = new Promise((resolve) => hanging.on('exit', (_, signal) => resolve(signal)));
    const late = commands.filter((args, index) => {
      const limitMs = usual[index]! + LATER_MS;
      return quickestMs(args, limitMs) > limitMs;
    });
    expect(late).toEqual([]);
    expect(inspected().find((one) => one.Destination === '/far')!.Waiting!.Requests).toBeGreaterThan(0);
    expect(bench.do('exec', 'app', 'cat', '/limited/none').stderr).toMatch(/Input\/output error/);
    hanging.kill('SIGINT');
    expect(await ended).toBe('SIGINT');

    const stopMs = performance.now();
    expect(bench.do('container', 'stop', 'app').code).toBe(0);
    // Half a second is what the daemon waits for its threads; without it the command would wait for the storage.
    expect(performance.now() - stopMs).toBeLessThan(usual[0]! + 5 * LATER_MS);
    expect(bench.mounted().filter((one) => one.startsWith('store/'))).toEqual([]);
    store.resume();
    expect(bench.get('container', 'start', 'app')).toBe('app');
    expect(bench.get('exec', 'app', 'cat', '/far/kept')).toBe('kept');
    bench.get('exec', 'app', 'rm', '/far/kept');
  });

  it('that hangs is an error in time of a new container, which leaves nothing', async () => {
    const store = stores[name]!;
    start('-v', `${volume}:/far`);
    await pause(store);
    for (const [what, spec] of [
      [`cannot mount '${store.path}/none:/x:timeout=1s'`, `${store.path}/none:/x:timeout=1s`],
      [`cannot fill volume '${volume}'`, `${volume}:/data:timeout=1s`],
    ]) {
      const { code, stderr } = bench.do('container', 'create', '-v', spec!, 'data');
      expect(code).toBe(1);
      expect(stderr).toContain(what!.replace(bench.root, ''));
      expect(stderr).toMatch(/the storage at '.*' does not answer in 1 s; see whether 'ls .*' answers/);
    }
    store.resume();
    expect(bench.get('container', 'ls', '-aq').split('\n')).toHaveLength(1);
    expect(bench.do('container', 'create', '-v', `${store.path}/none:/x`, 'box').stderr).toMatch(
      /bind source path does not exist: .*none; create it/,
    );
  });
});

describe('remote= of a container', () => {
  it('makes any storage remote, or none', () => {
    const { root } = bench;
    start(
      ...['-v', `${root}/host:/on:remote=on`],
      ...['--mount', `type=bind,src=${root}/host,dst=/also-on,remote=on`],
      ...['-v', `${stores.sshfs!.path}:/off:remote=off`],
      ...['-v', 'plain:/volume:remote=on'],
    );
    const remote = inspected().filter(({ Storage }) => Storage !== undefined);
    expect(remote.map(({ Destination }) => Destination).sort()).toEqual(['/also-on', '/on', '/volume']);
    const script = 'for at in on also-on off volume; do echo 1 > /$at/f; cat /$at/f; rm /$at/f; done';
    expect(bench.get('exec', 'app', 'sh', '-c', script)).toBe('1\n1\n1\n1');
  });
});
