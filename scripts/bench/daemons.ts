/**
 * The processes that serve a FUSE mount, found without asking them: those with a descriptor of its connection, which
 * /proc/PID/fdinfo names by the minor number of the mount's device (Linux 6.17), or on older kernels those with
 * /dev/fuse open and the mount point in their arguments.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceMinor } from '../mounts-below.js';

/** Pids of the servers of one mount point, and of whoever else keeps its connection open. */
export function daemonsOf(mountpoint: string): number[] {
  const connection = deviceMinor(mountpoint);
  if (connection === undefined) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => serves(pid, connection, mountpoint)).map(Number);
}

function serves(pid: string, connection: string, mountpoint: string): boolean {
  const fds = orGone(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return fds.some((fd) => {
    if (orGone(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) !== '/dev/fuse') return false;
    const held = /^fuse_connection:\s+(\d+)/m.exec(read(`/proc/${pid}/fdinfo/${fd}`))?.[1];
    return held === undefined
      ? read(`/proc/${pid}/cmdline`).split('\0').includes(mountpoint)
      : held === connection;
  });
}

function read(path: string): string {
  return orGone(() => readFileSync(path, 'utf8')) ?? '';
}

/** A process may end while it is looked at. */
function orGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (
      error instanceof Error &&
      'code' in error &&
      ['ENOENT', 'ESRCH', 'EACCES'].includes(String(error.code))
    ) {
      return undefined;
    }
    throw error;
  }
}

/** Resident memory of these processes together, in MiB. */
export function residentMib(pids: readonly number[]): number {
  const kib = pids.map((pid) => Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0));
  return kib.reduce((sum, each) => sum + each, 0) / 1024;
}

/** Waits for them to end by themselves, kills those that do not, and says how many that were. */
export async function endDaemons(pids: readonly number[]): Promise<number> {
  const alive = () => pids.filter((pid) => isRunning(pid));
  for (let waited = 0; waited < 10_000 && alive().length > 0; waited += 20) await sleep(20);
  const stayed = alive();
  for (const pid of stayed) process.kill(pid, 'SIGKILL');
  return stayed.length;
}

function isRunning(pid: number): boolean {
  const state = /^State:\s+(\w)/m.exec(read(`/proc/${pid}/status`))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}
