/**
 * `npm run soak -- [--minutes N] [--round SECONDS]`: programs at work on a union with a bind, a volume and a tmpfs over it, and containers that come and go,
 * while the daemon is killed once in each round. No call may fail and no byte differ; memory, descriptors, threads, mounts and run
 * directories are to stay what they were. Prints a row of figures for each round.
 */

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { plyfsMain } from '../repository.js';
import { bash, cleanup, command } from '../shell.js';
import { endLoad, prepareLoad, programsOf } from './soak-load.js';
import { type Sample, type Served, sampleOf, servedBy } from './soak-sample.js';

const TAKE_OVER_MS = 60_000;
const POLL_MS = 20;
/** Rounds in which caches fill. */
const WARM_ROUNDS = 2;
/** What may be more at the end than after those: a job's thread and what it has open, garbage that was not collected yet. */
const SLACK: Readonly<Record<keyof Sample, number>> = {
  ...{ pssMiB: 40, keeperMiB: 60, descriptors: 80, threads: 8, mounts: 0, runDirectories: 0 },
};

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, round: { type: 'string', default: '60' } },
});
const roundMs = Number(values.round) * 1000;
const rounds = Math.max(WARM_ROUNDS + 1, Math.round((Number(values.minutes) * 60_000) / roundMs));
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'plyfs-soak-')));
const runDirectory = join(folder, 'run');
Object.assign(process.env, { PLYFS_RUN_DIR: runDirectory, PLYFS_ROOT: join(folder, 'store') });

async function mount(): Promise<void> {
  await bash(
    `chmod 755 . && mkdir -m 700 run && mkdir store layer upper m host && mkdir -p layer/sub
    for i in $(seq 200); do seq $i > layer/sub/file$i; done
    '${process.execPath}' '${plyfsMain}' mount -l layer --upper upper -v ./host:/bound -v data:/volume --tmpfs /tmp m`,
    { cwd: folder },
  );
}

function served(): Served | undefined {
  return servedBy(runDirectory, join(folder, 'm'));
}

/** Kills the daemon. @returns how long nothing in the mount was answered. */
async function killDaemon(): Promise<number> {
  const before = served();
  if (before === undefined) throw new Error('nobody serves the mount');
  const began = performance.now();
  process.kill(before.pid, 'SIGKILL');
  // By another process: this one may not wait for the mount.
  await command(['stat', '-f', join(folder, 'm')], { timeoutMs: TAKE_OVER_MS });
  const pauseMs = Math.round(performance.now() - began);
  while ((served()?.pid ?? before.pid) === before.pid) {
    if (performance.now() - began > TAKE_OVER_MS) throw new Error('no process has taken over');
    await pause(POLL_MS);
  }
  return pauseMs;
}

interface Round extends Sample {
  readonly pauseMs: number;
}

async function runRound(round: number): Promise<Round> {
  const stop = join(folder, `stop${round}`);
  const running = programsOf(round).map(async ({ name, script }) => {
    const output = await bash(script.replaceAll('STOP', stop), { cwd: folder, timeoutMs: roundMs + 300_000 });
    const told = output.replace(/^\d+ calls\n/, '').trim();
    if (told !== '') throw new Error(`${name}: ${told}`);
  });
  const all = Promise.all(running);
  all.catch(() => undefined);
  const killAfterMs = roundMs * (0.2 + 0.6 * Math.random());
  await Promise.race([all, pause(killAfterMs)]);
  const pauseMs = await killDaemon();
  await Promise.race([all, pause(roundMs - killAfterMs)]);
  const sample = sampleOf(served()!, runDirectory, folder);
  writeFileSync(stop, '');
  await all;
  const idle = sampleOf(served()!, runDirectory, folder);
  return { ...sample, mounts: idle.mounts, runDirectories: idle.runDirectories, pauseMs };
}

/** What is more than it was, in words. */
function growth(first: Sample, last: Sample): string[] {
  return (Object.keys(SLACK) as (keyof Sample)[])
    .filter((key) => last[key] > first[key] + SLACK[key])
    .map((key) => `${key}: ${first[key]} after ${WARM_ROUNDS} rounds, ${last[key]} at the end`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function soak(): Promise<string[]> {
  const seen: Round[] = [];
  print('round  load  pause ms  PSS MiB  keeper MiB  descriptors  threads  mounts  run directories');
  for (let round = 1; round <= rounds; round++) {
    const one = await runRound(round);
    seen.push(one);
    const { pauseMs, pssMiB, keeperMiB, descriptors, threads, mounts, runDirectories } = one;
    const figures = [pauseMs, pssMiB, keeperMiB, descriptors, threads, mounts, runDirectories];
    print([round, loadavg()[0]!.toFixed(0), ...figures].join('  '));
  }
  const pauses = seen.map(({ pauseMs }) => pauseMs).sort((a, b) => a - b);
  print(`pauses: median ${pauses[pauses.length >> 1]} ms, longest ${pauses.at(-1)} ms`);
  return growth(seen[WARM_ROUNDS - 1]!, seen.at(-1)!);
}

async function main(): Promise<void> {
  let problems: string[];
  try {
    await mount();
    await prepareLoad(folder);
    problems = await soak();
    await endLoad(folder);
  } catch (error) {
    problems = [error instanceof Error ? error.message : String(error)];
  }
  mkdirSync(join(folder, 'm'), { recursive: true });
  await cleanup([process.execPath, plyfsMain, 'daemon', 'stop', '--unmount']).catch((error: Error) =>
    problems.push(error.message),
  );
  if (problems.length === 0) rmSync(folder, { recursive: true, force: true });
  else print(`${problems.join('\n')}\nsee ${folder}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

await main();
