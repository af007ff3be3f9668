/**
 * Sizes as Docker reads them for memory and tmpfs: a decimal number, then b, k, m, g, t or p in either case, alone
 * or as `kb` or `kib`; all are powers of 1024. `64m`, `1.5G`, `512 KiB`, `4096`.
 */

import { UserError } from '../../errno/user-error.js';

const powers = new Map([
  ['', 0],
  ['k', 1],
  ['m', 2],
  ['g', 3],
  ['t', 4],
  ['p', 5],
]);

/**
 * The number of bytes, rounded down.
 * @throws UserError when it is no size, is negative, or cannot be counted exactly (2^53 and above).
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d*)?|\.\d+) ?([a-zA-Z]*)$/.exec(text);
  if (!match) throw invalidSize(text);
  const suffix = /^(?:([kmgtp])(?:i?b)?|b?)$/.exec(match[2]!.toLowerCase());
  const power = suffix ? powers.get(suffix[1] ?? '') : undefined;
  if (power === undefined) throw invalidSize(text);
  const bytes = Math.floor(Number(match[1]) * 1024 ** power);
  if (!Number.isSafeInteger(bytes)) throw new UserError(`invalid size: '${text}' is too large`);
  return bytes;
}

function invalidSize(text: string): UserError {
  return new UserError(`invalid size: '${text}'`, { hint: 'write a number with b, k, m, g or t, as in 64m' });
}
