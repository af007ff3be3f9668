/** Go's durations, as health checks have them: `1m30s`, `1.5s`, `100ms`. */

import { UserError } from '../../errno/user-error.js';

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** @returns nanoseconds. @throws UserError */
export function parseDuration(text: string): number {
  if (!/^(?:0|(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)$/.test(text)) {
    throw new UserError(`'${text}' is no duration`, { hint: 'write it as 30s or 1m30s' });
  }
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g);
  return Math.round([...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0));
}

/** `300ms`, `1m30s`: of nanoseconds. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`;
  const hours = Math.floor(nanoseconds / 3600e9);
  const minutes = Math.floor((nanoseconds % 3600e9) / 60e9);
  const seconds = (nanoseconds % 60e9) / 1e9;
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}
