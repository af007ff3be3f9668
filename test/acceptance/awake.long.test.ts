/** What keeps CPUs awake while requests come close together, and what that costs at rest: nothing. */

import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MOST_POLLING_CPUS } from '../../src/daemon/config/awake-facts.js';
import { hasCpuQuota } from '../../src/linux/process/cpu-quota.js';
import { Tree } from './many-files.js';

const SCHED_IDLE = 5;
const REST_MS = 10_000;
/** Each is a LOOKUP, and bash starts no process for it. */
const BURST = 'for i in {1..3000}; do [ ! -e missing$i ]; done';
/** plyfs leaves the CPUs of such a machine alone, and says so. */
const isAwakeHere = availableParallelism() > 1 && !hasCpuQuota();
const mayPoll =
  isAwakeHere && availableParallelism() <= MOST_POLLING_CPUS && existsSync('/dev/cpu_dma_latency');

let tree: Tree | undefined;

afterEach(() => {
  tree?.dispose();
  tree = undefined;
});

function mounted(...options: string[]): Tree {
  tree = new Tree('echo x > file', options);
  return tree;
}

/** Processes that the daemon has started and that are there still, but for the one that becomes the next daemon. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' '))
    .filter((text) => text !== '')
    .map(Number)
    .filter((child) => !readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('take-over'));
}

/** Fields of man 5 proc_pid_stat, from 1. */
function statField(pid: number, field: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3]);
}

/** How often the threads of a process have been put to sleep, which is how often they were awake. */
function sleepsOf(pid: number): number {
  const statuses = readdirSync(`/proc/${pid}/task`).map((task) =>
    readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1'),
  );
  return sum(statuses.map((status) => Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1])));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/**
 * Windows of time until counts stand still in one: V8 tidies up for a while after its start, and a df of somebody else on this
 * machine asks each mount. @returns how far they went on in each, twelve windows at the most.
 */
async function windowsUntilRest(counts: () => readonly number[], windowMs: number): Promise<number[]> {
  const grown: number[] = [];
  while (grown.length < 12 && grown.at(-1) !== 0) {
    const before = sum(counts());
    await setTimeout(windowMs);
    grown.push(sum(counts()) - before);
  }
  return grown;
}

/**
 * Binds the daemon to one CPU. @returns the command that binds a shell to another: on one CPU each request is there before the
 * daemon looks for it, no CPU falls asleep in between, and there is no burst to notice.
 */
function placedApart(bench: Tree): string {
  const allowed = /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '';
  const ends = allowed.split(/[,-]/);
  bench.shell('.', `taskset -a -c -p ${ends[0]} ${bench.pid()}`);
  return `taskset -c -p ${ends.at(-1)} $$ > /dev/null`;
}

async function spinnerOf(bench: Tree): Promise<number> {
  const script = `${placedApart(bench)}; ${BURST}`;
  // Where the machine is busy with something else, requests do not come close together for a while.
  for (const since = Date.now(); Date.now() - since < 60_000; ) {
    bench.inside(script);
    const [child] = childrenOf(bench.pid());
    if (child !== undefined) return child;
    await setTimeout(100);
  }
  throw new Error('no process keeps a CPU awake');
}

describe.runIf(isAwakeHere)('a burst of requests, with awake=process', () => {
  it('is answered beside a process of idle priority, which rests when it is over', {
    timeout: 90_000,
  }, async () => {
    const bench = mounted('-o', 'awake=process');
    expect(childrenOf(bench.pid())).toEqual([]);
    const spinner = await spinnerOf(bench);
    expect(statField(spinner, 41)).toBe(SCHED_IDLE);
    expect(inspected(bench)).toBe('on: a process of idle priority');
    expect(await windowsUntilRest(() => [statField(spinner, 14), sleepsOf(spinner)], 1_000)).toContain(0);
  });

  it('ends with the daemon, also when that is killed', { timeout: 90_000 }, async () => {
    const bench = mounted('-o', 'awake=process');
    const spinner = await spinnerOf(bench);
    process.kill(bench.pid(), 'SIGKILL');
    await expect.poll(() => isRunning(spinner), { timeout: 60_000 }).toBe(false);
  });
});

describe.runIf(mayPoll)('a burst of requests', () => {
  it('is answered with the latency of the CPUs held down, which is let go of when it is over', async () => {
    const bench = mounted();
    expect(inspected(bench)).toBe('on: /dev/cpu_dma_latency');
    const burst = bench.start('bash', '-c', `cd mnt; ${placedApart(bench)}; while :; do ${BURST}; done`);
    await expect.poll(latencyUs, { timeout: 60_000, interval: 1 }).toBe(0);
    burst.kill('SIGKILL');
    // Another mount of this machine may be busy meanwhile.
    await expect.poll(latencyUs, { timeout: 60_000, interval: 1 }).toBeGreaterThan(0);
    expect(childrenOf(bench.pid())).toEqual([]);
  });
});

describe('a mount at rest', () => {
  it('is not awake once in ten seconds, nor has its upper anything of the rehearsal', {
    timeout: 150_000,
  }, async () => {
    vi.stubEnv('PLYFS_REHEARSAL', 'on');
    const bench = mounted();
    vi.unstubAllEnvs();
    bench.inside(BURST);
    const pids = [bench.pid(), ...childrenOf(bench.pid())];
    expect(await windowsUntilRest(() => pids.map(sleepsOf), REST_MS)).toContain(0);
    expect(bench.inside('echo new > new; cat new; rm new; ls')).toBe('new\nfile\n');
    expect(bench.shell('.', 'ls upper')).toBe('');
  });
});

describe('the switch', () => {
  it.each([
    ['-o awake=off', ['-o', 'awake=off'], {}],
    ['PLYFS_AWAKE=off', [], { PLYFS_AWAKE: 'off' }],
  ])('%s leaves the CPUs alone', async (name, options, env) => {
    Object.assign(process.env, env);
    try {
      const bench = mounted(...options);
      for (let round = 0; round < 3; round++) bench.inside(BURST);
      await setTimeout(300);
      expect(childrenOf(bench.pid())).toEqual([]);
      expect(inspected(bench)).toBe(`off: ${name}`);
    } finally {
      for (const key of Object.keys(env)) delete process.env[key];
    }
  });
});

/** What the kernel grants all who have asked: 0 while somebody holds it down. */
function latencyUs(): number {
  const fd = openSync('/dev/cpu_dma_latency', 'r');
  try {
    const value = Buffer.alloc(4);
    readSync(fd, value, 0, 4, null);
    return value.readInt32LE(0);
  } finally {
    closeSync(fd);
  }
}

function inspected(bench: Tree): string {
  const { code, stdout, stderr } = bench.plyfs('inspect', 'mnt', '--format', '{{.awake}}');
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    // Gone.
    return false;
  }
}
