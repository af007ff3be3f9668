/** setrlimit(2) and getrlimit(2) by number. */

import { bind, settle } from '../library.js';

const sysSetrlimit = bind<(resource: number, limit: Uint8Array) => number>('setrlimit', 'int', [
  'int',
  'void *',
]);

const sysGetrlimit = bind<(resource: number, out: Uint8Array) => number>('getrlimit', 'int', [
  'int',
  'void *',
]);

/** A limit and its value, as `setResourceLimit()` takes them. */
export interface NumberedLimit {
  readonly resource: number;
  readonly soft: number;
  readonly hard: number;
}

const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
/** struct rlimit: u64 soft, u64 hard. V8 may move the content of smaller typed arrays. */
const limit = Buffer.alloc(128);

/** Sets both; -1 is none. @returns a negated errno when it fails. */
export function setResourceLimit({ resource, soft, hard }: NumberedLimit): number {
  limit.writeBigUInt64LE(wordOf(soft), 0);
  limit.writeBigUInt64LE(wordOf(hard), 8);
  return settle(sysSetrlimit(resource, limit));
}

/** @returns the negated errno of the first that fails. */
export function setEachLimit(limits: readonly NumberedLimit[]): number {
  for (const each of limits) {
    const result = setResourceLimit(each);
    if (result < 0) return result;
  }
  return 0;
}

/**
 * Lets the limit be set to `hard` later without a privilege; what holds now (soft) stays.
 * @param hard -1: none. @returns a negated errno when it fails.
 */
export function raiseHardLimit(resource: number, hard: number): number {
  const result = settle(sysGetrlimit(resource, limit));
  if (result < 0 || limit.readBigUInt64LE(8) >= wordOf(hard)) return result;
  limit.writeBigUInt64LE(wordOf(hard), 8);
  return settle(sysSetrlimit(resource, limit));
}

function wordOf(value: number): bigint {
  return value < 0 ? RLIM_INFINITY : BigInt(value);
}
