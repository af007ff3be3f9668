/** setrlimit(2) by number. */

import { bind, settle } from './library.js';

const sysSetrlimit = bind<(resource: number, limit: Uint8Array) => number>('setrlimit', 'int', [
  'int',
  'void *',
]);

const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
/** struct rlimit: u64 soft, u64 hard. V8 may move the content of smaller typed arrays. */
const limit = Buffer.alloc(128);

/** @param soft -1: none. @param hard -1: none. @returns a negated errno when it fails. */
export function setResourceLimit(resource: number, soft: number, hard: number): number {
  limit.writeBigUInt64LE(soft < 0 ? RLIM_INFINITY : BigInt(soft), 0);
  limit.writeBigUInt64LE(hard < 0 ? RLIM_INFINITY : BigInt(hard), 8);
  return settle(sysSetrlimit(resource, limit));
}
