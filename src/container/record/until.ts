/** Times as options take them: an age or a date. */

import { UserError } from '../../errno/user-error.js';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** Reads `until=` of a filter. Milliseconds since 1970. @throws UserError */
export function parseUntil(text: string, now = Date.now()): number {
  return timeOf(text, now) ?? refuse(`invalid filter 'until=${text}'`);
}

/** Reads the time of an option. Milliseconds since 1970. @throws UserError */
export function parseTime(option: string, text: string, now = Date.now()): number {
  return timeOf(text, now) ?? refuse(`invalid value '${text}' of ${option}`);
}

function refuse(message: string): never {
  throw new UserError(message, { hint: 'an age as 10m, 24h, 7d, or a date' });
}

function timeOf(text: string, now: number): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text) {
    return now - parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0);
  }
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
