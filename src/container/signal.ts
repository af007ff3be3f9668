/** Signals by name or number, and whether one would end a command. */

import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { UserError } from '../errno/user-error.js';

export type SignalName = NodeJS.Signals;

/** `SIGTERM`, `TERM`, `term` or `15`. @throws UserError `invalid signal: TEXT`. */
export function parseSignal(text: string): SignalName {
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const found = Object.entries(constants.signals).find(
    ([key, number]) => key === name || String(number) === text,
  );
  if (found === undefined)
    throw new UserError(`invalid signal: '${text}'`, { hint: "as 'SIGTERM', 'TERM' or 15" });
  return found[0] as SignalName;
}

export function signalNumber(name: SignalName): number {
  return constants.signals[name];
}

/** Exit status of a command that a signal has ended, as shells give it. */
export function statusOfSignal(name: SignalName): number {
  return 128 + signalNumber(name);
}

/** Signals that are passed on to the command. */
export const FORWARDED: readonly SignalName[] = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
  'SIGALRM',
];

const HARMLESS: ReadonlySet<SignalName> = new Set([
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGWINCH',
]);

/** Whether a process ends of the signal, or would if it were not the first of its pid namespace. */
export function isFatalDefault(pid: number, name: SignalName): boolean {
  if (HARMLESS.has(name) || name === 'SIGKILL') return false;
  const bit = 1n << BigInt(signalNumber(name) - 1);
  const status = readStatus(pid);
  return ['SigCgt', 'SigIgn', 'SigBlk'].every((mask) => (maskOf(status, mask) & bit) === 0n);
}

function maskOf(status: string, name: string): bigint {
  const hex = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return BigInt(`0x${hex ?? '0'}`);
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

/** One that is gone by now needs none. */
export function send(pid: number, name: SignalName): undefined {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
