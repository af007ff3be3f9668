/**
 * One measurement: a fresh place, the target mounted, the workload run and timed, everything removed.
 *
 * The time is taken inside bash around the script, so that starting bash is no part of it.
 * INVARIANT: whatever fails, the target is detached and its place removed before the next measurement.
 */

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortFuse } from '../mounts-below.js';
import { bash, cleanup, command } from '../shell.js';
import type { Place, Target } from './bench-targets.js';
import { attach, detach } from './bench-targets.js';
import { daemonsOf, residentMib } from './daemons.js';
import type { Inputs } from './lower.js';
import { type Workload, workloads } from './workloads.js';

export interface Bench extends Inputs {
  /** An empty folder on the file system to measure on, for all that is made here. */
  readonly scratch: string;
  readonly quick: boolean;
}

/** Far above the slowest workload of the slowest target. */
const timeoutMs = 180_000;

/** Runs one workload on one target with an empty upper. @returns seconds */
export function measure(bench: Bench, target: Target, workload: Workload): Promise<number> {
  return withPlace(bench, target, async (place) => {
    const root = await attach(target, place, workload.needs);
    const count = workload.count === undefined ? 0 : bench.quick ? workload.count / 10 : workload.count;
    const started = join(place.mountpoint, '..', 'started');
    const env = { INPUTS: bench.inputs, N: String(count), STARTED: started };
    const inTree = { cwd: root, env, timeoutMs, onTimeout: () => abortFuse(place.mountpoint) };
    if (workload.prepare !== undefined) await bash(workload.prepare, inTree);
    await dropCaches();
    await bash(`${workload.tools}\nfind "$INPUTS" -name '*.*' -type f -exec cat {} +`, {
      ...inTree,
      cwd: place.work,
    });
    if (workload.warm !== undefined) await bash(workload.warm, inTree);
    writeFileSync(started, '');
    const seconds = Number(await bash(timed(workload.script), inTree));
    if (workload.verify !== undefined) await bash(workload.verify, inTree);
    return seconds;
  });
}

/** Prints nothing but the seconds that the script took. */
function timed(script: string): string {
  return [
    'exec 3>&1 1>&2',
    'began=$EPOCHREALTIME',
    script,
    'ended=$EPOCHREALTIME',
    // Both have six decimals: without the dot they are microseconds.
    'printf "%s" "$((10#$(tr -d . <<<"$ended") - 10#$(tr -d . <<<"$began")))e-6" >&3',
  ].join('\n');
}

async function dropCaches(): Promise<void> {
  await command(['sync']);
  writeFileSync('/proc/sys/vm/drop_caches', '3');
}

export interface Residents {
  readonly mountMs: number;
  /** Undefined where no process serves the mount. */
  readonly idleMib: number | undefined;
  readonly afterFindMib: number | undefined;
}

/** How long the mount command takes until the tree answers, and the memory of the daemon. */
export function measureDaemon(bench: Bench, target: Target): Promise<Residents> {
  return withPlace(bench, target, async (place) => {
    const began = performance.now();
    const root = await attach(target, place, 'lower');
    await command(['stat', root], { timeoutMs });
    const mountMs = performance.now() - began;
    await sleep(1000);
    const daemons = daemonsOf(place.mountpoint);
    if (daemons.length === 0) return { mountMs, idleMib: undefined, afterFindMib: undefined };
    const idleMib = residentMib(daemons);
    const find = workloads.find(({ name }) => name === 'find-cold')!;
    await bash(find.script, { cwd: root, timeoutMs, onTimeout: () => abortFuse(place.mountpoint) });
    return { mountMs, idleMib, afterFindMib: residentMib(daemons) };
  });
}

/**
 * A fresh ext4 for each measurement. On a shared one ext4 searches past the inodes that the targets before freed within
 * the last minutes (fs/ext4/ialloc.c:recently_deleted() v6.18): untar took 0.4 s for the first and 3 s for the last.
 */
async function makeDisk(image: string, mountpoint: string): Promise<void> {
  await command(['truncate', '-s', '6G', image]);
  await command([
    'mkfs.ext4',
    '-q',
    '-F',
    '-N',
    '200000',
    '-E',
    'lazy_itable_init=0,lazy_journal_init=0',
    image,
  ]);
  await command(['mount', '-o', 'loop', image, mountpoint]);
}

const UNMOUNT_TIMEOUT_MS = 5_000;
const UNMOUNT_POLL_MS = 50;

/** The kernel lets go of the files of a mount a little after its daemon has gone. */
async function unmountDisk(disk: string): Promise<void> {
  const deadline = performance.now() + UNMOUNT_TIMEOUT_MS;
  for (;;) {
    try {
      await cleanup(['umount', disk]);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, UNMOUNT_POLL_MS));
  }
}

async function withPlace<T>(bench: Bench, target: Target, use: (place: Place) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(bench.scratch, `${target.name}-`));
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  await makeDisk(`${disk}.img`, disk);
  const inside = (name: string) => join(disk, name);
  const place = {
    lower: bench.lower,
    upper: inside('upper'),
    work: inside('work'),
    mountpoint: inside('mnt'),
  };
  for (const path of [place.upper, place.work, place.mountpoint]) mkdirSync(path);
  const remove = async (): Promise<void> => {
    await detach(target, place);
    await unmountDisk(disk);
    await cleanup(['rm', '-rf', '--one-file-system', folder]);
  };
  const result = await use(place).catch(async (error: unknown) => {
    // What went wrong first is what is told; the run's scratch folder is cleared at its end in any case.
    await remove().catch((after: unknown) => process.stderr.write(`bench: ${String(after)}\n`));
    throw error;
  });
  await remove();
  return result;
}
