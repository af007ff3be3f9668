/** Signals by name or number, and whether one would end a command. */

import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';

export type SignalName = NodeJS.Signals | `SIGRTM${'IN' | 'AX'}${string}`;

/** As glibc numbers them for programs: it keeps 32 and 33 for itself. */
const RTMIN = 34;
const RTMAX = 64;

/** `SIGTERM`, `TERM`, `term`, `15` or `RTMIN+3`. @throws UserError `invalid signal: TEXT`. */
export function parseSignal(text: string): SignalName {
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const found = Object.entries(constants.signals).find(
    ([key, number]) => key === name || String(number) === text,
  );
  if (found !== undefined) return found[0] as SignalName;
  const number = /^\d{1,2}$/.test(text) ? Number(text) : realTimeNumber(name);
  if (number === undefined || number < RTMIN || number > RTMAX)
    throw new UserError(`invalid signal: '${text}'`, { hint: "as 'SIGTERM', 'TERM', 15 or 'RTMIN+3'" });
  return number === RTMIN ? 'SIGRTMIN' : `SIGRTMIN+${number - RTMIN}`;
}

/** The number of `SIGRTMIN+3` or `SIGRTMAX-1`, which systemd and others take for requests. */
function realTimeNumber(name: string): number | undefined {
  const [, edge, sign, distance = '0'] = /^SIGRTM(IN|AX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  if (edge === undefined || (sign !== undefined && (sign === '+') !== (edge === 'IN'))) return undefined;
  return edge === 'IN' ? RTMIN + Number(distance) : RTMAX - Number(distance);
}

export function signalNumber(name: SignalName): number {
  return realTimeNumber(name) ?? constants.signals[name as NodeJS.Signals];
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
    if (hasCode(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
}

/** One that is gone by now needs none. */
export function send(pid: number, name: SignalName): undefined {
  try {
    process.kill(pid, signalNumber(name));
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
