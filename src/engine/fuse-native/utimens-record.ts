/**
 * The mtime of utimens, which the addon of fuse-native 2.2.6 has and does not pass on: it gives atime for both
 * (fuse-native.c, FUSE_METHOD_VOID(utimens): `l->atime` twice). `cp -p`, tar and rsync would lose every mtime.
 *
 * The addon hands its record of the request (fuse_thread_locals_t) to JavaScript as the Buffer to answer with; on
 * x86-64 the record has the operation at 8, atime at 104 and mtime at 112 (milliseconds, 64 bits).
 * INVARIANT: the record is believed only when its length, operation and atime are as they must be.
 */

import type { PackageHandler } from './package.js';

/** Number of the operation, in the addon. */
export const OP_UTIMENS = 12;

const RECORD_BYTES = 360;
const OPERATION = 8;
const ATIME = 104;
const MTIME = 112;

interface Times {
  readonly atimeMs: number;
  readonly mtimeMs: number;
}

const WORD = 2 ** 32;

/**
 * Replaces the package's handler of utimens by one that passes both times on, through its own, with their signs; NaN
 * for both when the record cannot be believed.
 */
export function withMtime(handler: PackageHandler): PackageHandler {
  return (record, operation, path, atimeLow, atimeHigh) => {
    const times = timesOfUtimens(record, Number(atimeLow) + Number(atimeHigh) * WORD);
    handler(record, operation, path, ...halves(times?.atimeMs), ...halves(times?.mtimeMs));
  };
}

/** @param atimeMs what the addon passes on: unsigned, so huge for dates before 1970. */
export function timesOfUtimens(record: Buffer, atimeMs: number): Times | undefined {
  if (record.length !== RECORD_BYTES || record.readUInt32LE(OPERATION) !== OP_UTIMENS) return undefined;
  if (Number(record.readBigUInt64LE(ATIME)) !== atimeMs) return undefined;
  return { atimeMs: Number(record.readBigInt64LE(ATIME)), mtimeMs: Number(record.readBigInt64LE(MTIME)) };
}

/** The low and the high word, of which the package adds up the number again; the high one has the sign. */
function halves(ms: number | undefined): [low: number, high: number] {
  if (ms === undefined) return [Number.NaN, Number.NaN];
  const high = Math.floor(ms / WORD);
  return [ms - high * WORD, high];
}
