/** What a daemon and its keeper have of the machine, in the middle of a soak. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Served {
  readonly pid: number;
  readonly keeperPid: number;
}

export interface Sample {
  readonly pssMiB: number;
  readonly keeperMiB: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Below the folder of the soak. */
  readonly mounts: number;
  readonly runDirectories: number;
}

/** The mount of the soak, as its run state has it; undefined while nobody serves it. */
export function servedBy(runDirectory: string, mountpoint: string): Served | undefined {
  for (const id of namesIn(join(runDirectory, 'mounts'))) {
    const path = join(runDirectory, 'mounts', id, 'state.json');
    if (!existsSync(path)) continue;
    const { pid, keeper, mountpoint: point } = JSON.parse(readFileSync(path, 'utf8'));
    if (point === mountpoint && keeper !== undefined && existsSync(`/proc/${pid}/fd`))
      return { pid, keeperPid: keeper.pid };
  }
  return undefined;
}

export function sampleOf({ pid, keeperPid }: Served, runDirectory: string, folder: string): Sample {
  return {
    pssMiB: pssOf(pid),
    keeperMiB: pssOf(keeperPid),
    descriptors: namesIn(`/proc/${pid}/fd`).length,
    threads: namesIn(`/proc/${pid}/task`).length,
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split(`${folder}/`).length - 1,
    runDirectories:
      namesIn(join(runDirectory, 'mounts')).length + namesIn(join(runDirectory, 'daemons')).length,
  };
}

function pssOf(pid: number): number {
  const kib = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  return Math.round(Number(kib ?? 0) / 1024);
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
