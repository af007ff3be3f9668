/**
 * Eight processes that create, start and remove containers and volumes with few names, so that they meet: nothing but
 * the refusals that must be, and a store without a trace at the end.
 *
 * PLYFS_CROWD_SECONDS makes it longer (a minute was run before a release).
 */

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, fillSystem } from '../../helpers/images.js';
import { cliScript, untilIs } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

const SECONDS = Number(process.env.PLYFS_CROWD_SECONDS ?? 10);
const PROCESSES = 8;
const NAMES = ['aa', 'bb', 'cc'];

/** What one may be told because of the others. */
const EXPECTED = [
  /no such container/,
  /is already in use by container/,
  /same name as its current name/,
  /container is running/,
  /volume is in use/,
  /no such volume/,
  /is not running/,
  /it is running already/,
  /cannot unmount container '..': it is running/,
  /there is a volume .* already/,
  /it was made with --rm/,
  // A command of `exec` that began just before the stop still has the mount.
  /upper '.*' is in use by the mount at/,
  // In a container of the image that is empty.
  /executable file not found/,
];

/** `rm -f NAME` came before its command began. */
const KILLED = /cannot run 'a command': it ended with status 137/;

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench();
  bench.addImages();
  const config = { Env: ['PATH=/bin'], Cmd: ['sleep', '1'], Volumes: { '/data': {} } };
  addImage(bench.store.root, { name: 'vol:latest', config }, [fillSystem]);
});
afterAll(() => bench.dispose());

/** Deterministic for each worker. */
function* randomCommands(seed: number): Generator<string[]> {
  let state = seed * 2654435761;
  const pick = <T>(values: readonly T[]): T => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return values[state % values.length]!;
  };
  for (;;) {
    const name = pick(NAMES);
    yield pick([
      ['container', 'create', '--name', name, 'vol'],
      ['container', 'create', '--name', name, '-v', `v-${pick(NAMES)}:/data`, 'vol'],
      ['container', 'start', name],
      ['container', 'mount', name],
      ['container', 'umount', name],
      ['container', 'stop', name],
      ['container', 'rm', '-f', '-v', name],
      ['container', 'rm', '-v', name],
      ['container', 'rename', name, pick(NAMES)],
      ['volume', 'create', `v-${name}`],
      ['volume', 'rm', `v-${name}`],
      ['container', 'run', '--rm', '-v', `v-${name}:/data`, 'box', 'id'],
      ['container', 'run', '-d', '--rm', '--name', name, 'box', 'sleep', '1'],
      ['container', 'exec', name, 'id'],
      ['container', 'restart', '-t', '0', name],
      ['container', 'prune', '-f'],
      ['container', 'ls', '-a'],
      ['container', 'inspect', name],
      ['container', 'diff', name],
      ['volume', 'prune', '-a', '-f'],
      ['volume', 'ls'],
      ['volume', 'clone', `v-${name}`, `v-${pick(NAMES)}`],
      ['volume', 'rename', `v-${name}`, `v-${pick(NAMES)}`],
    ]);
  }
}

async function work(seed: number, deadline: number): Promise<string[]> {
  const strange: string[] = [];
  for (const command of randomCommands(seed)) {
    if (Date.now() > deadline) return strange;
    const { code, stderr } = await run([
      ...command.slice(0, 2),
      '--root',
      bench.store.root,
      ...command.slice(2),
    ]);
    const lines = stderr.split('\n').filter((line) => line !== '');
    // Nobody knows the name of the one that `run --rm -v` makes.
    const isNameless = command[1] === 'run' && !command.includes('--name');
    const expected = isNameless ? EXPECTED : [...EXPECTED, KILLED];
    const isFine =
      code === 0 || (code !== null && lines.every((line) => expected.some((text) => text.test(line))));
    if (!isFine) strange.push(`${command.join(' ')}: ${code}: ${stderr}`);
  }
  return strange;
}

function run(args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cliScript, ...args], {
      env: bench.env,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

test(
  'eight processes at once leave a consistent store',
  async () => {
    const deadline = Date.now() + SECONDS * 1000;
    const strange = await Promise.all(
      Array.from({ length: PROCESSES }, (_, index) => work(index + 1, deadline)),
    );
    expect(strange.flat()).toEqual([]);
    for (const id of bench.store.names('containers')) bench.get('container', 'rm', '-fv', id);
    // Those of containers that `container prune` has removed.
    bench.get('volume', 'prune', '-f');
    const named = bench.store.names('volumes');
    expect(named.filter((name) => !name.startsWith('v-'))).toEqual([]);
    if (named.length > 0) bench.get('volume', 'rm', ...named);
    for (const folder of ['containers', 'volumes', 'pending', 'trash']) {
      expect(readdirSync(bench.store.path(folder))).toEqual([]);
    }
    expect(bench.mounted()).toEqual([]);
    // A daemon has upper written out before it ends.
    await untilIs(() => bench.runIds().length, 0);
  },
  SECONDS * 1000 + 120_000,
);
