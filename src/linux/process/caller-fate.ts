/**
 * Whether a task that waits for us is about to end, read from /proc/TID/status (man 5 proc).
 *
 * The kernel makes SIGKILL pending for each thread of a group that exits, execs or gets a signal whose default action is
 * to end it (kernel/signal.c:complete_signal() v6.18). Signals that dump core, and those of a traced task, stay as they
 * are until the task itself takes them.
 */

import { readFileSync } from 'node:fs';
import { isSystemError } from '../../errno/error-code.js';

/**
 * `unknown`: the task cannot be seen, as one of another pid namespace, where /proc is mounted with hidepid, or while this process
 * has no descriptor left to look with.
 */
export type Fate = 'ending' | 'staying' | 'unknown';

const SIGKILL = 9;
/** Signals whose default action is not to end the process: SIGCHLD, SIGCONT, the four that stop, SIGURG, SIGWINCH. */
const HARMLESS = [17, 18, 19, 20, 21, 22, 23, 28].reduce((mask, signal) => mask | bitOf(signal), 0n);

/** @param taskId as the kernel gives it in a request: of a thread; 0 for one that it cannot name here. */
export function fateOf(taskId: number): Fate {
  if (taskId === 0) return 'unknown';
  let status: string;
  try {
    status = readFileSync(`/proc/${taskId}/status`, 'latin1');
  } catch (error) {
    if (isSystemError(error)) return 'unknown';
    throw error;
  }
  return isEnding(status) ? 'ending' : 'staying';
}

/** Whether a signal that nothing keeps from ending the task is pending. */
export function isEnding(status: string): boolean {
  const pending = maskOf(status, 'SigPnd') | maskOf(status, 'ShdPnd');
  if ((pending & bitOf(SIGKILL)) !== 0n) return true;
  // The tracer decides what becomes of any other.
  if (/^TracerPid:\t[1-9]/m.test(status)) return false;
  const kept = maskOf(status, 'SigBlk') | maskOf(status, 'SigIgn') | maskOf(status, 'SigCgt') | HARMLESS;
  return (pending & ~kept) !== 0n;
}

function bitOf(signal: number): bigint {
  return 1n << BigInt(signal - 1);
}

function maskOf(status: string, field: string): bigint {
  const digits = new RegExp(`^${field}:\t([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return digits === undefined ? 0n : BigInt(`0x${digits}`);
}
