/** What a process takes of memory and processors, from /proc/PID/status and stat (man 5 proc). */

import { readFileSync } from 'node:fs';
import { isSystemError } from '../../errno/error-code.js';

export interface ProcessUsage {
  readonly residentBytes: number;
  /** User and system together. */
  readonly cpuSeconds: number;
}

/** Clock ticks of /proc are hundredths of a second on every machine that Linux runs on today (man 7 time, USER_HZ). */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat behind the name, from 0: utime and stime (man 5 proc). */
const UTIME_FIELD = 11;
const STIME_FIELD = 12;

/** @returns undefined for a process that has ended, or that may not be looked at. */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      residentBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
      cpuSeconds: (Number(fields[UTIME_FIELD]) + Number(fields[STIME_FIELD])) / TICKS_PER_SECOND,
    };
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}
