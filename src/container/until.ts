/** `until=` of a filter: an age or a date. */

import { UserError } from '../errno/user-error.js';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** Milliseconds since 1970. @throws UserError */
export function parseUntil(text: string, now = Date.now()): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text) {
    return now - parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0);
  }
  const time = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(time)) {
    throw new UserError(`invalid filter 'until=${text}'`, { hint: 'an age as 10m, 24h, 7d, or a date' });
  }
  return time;
}
