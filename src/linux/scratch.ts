/**
 * Scratch memory for the names that a call passes, so that no call allocates.
 *
 * Two buffers, for calls with two names; a name is written as its bytes and a NUL. They are filled and used within
 * one synchronous call, so nothing else can come between. The buffers are larger than PATH_MAX: what is too long for
 * them is too long for the kernel.
 * PRECONDITION: names are latin1 (no char above 0xff); the upper byte of any other char would be dropped.
 */

import { EINVAL, ENAMETOOLONG } from '../errno/errno.js';
import type { Name } from '../vfs/name.js';

/** A Buffer with the methods that Node has but @types/node does not declare; they skip the parsing of arguments. */
interface Latin1Buffer extends Buffer {
  latin1Write(text: string, offset: number, length: number): number;
  latin1Slice(start: number, end: number): string;
}

const SCRATCH_BYTES = 8192;

export const firstName = Buffer.alloc(SCRATCH_BYTES) as Latin1Buffer;
export const secondName = Buffer.alloc(SCRATCH_BYTES) as Latin1Buffer;

/** The empty name, for calls with AT_EMPTY_PATH; never written to. */
export const emptyName = Buffer.alloc(8);

function put(target: Latin1Buffer, name: Name): number {
  if (name.length >= SCRATCH_BYTES) return -ENAMETOOLONG;
  if (name.includes('\0')) return -EINVAL;
  target[target.latin1Write(name, 0, SCRATCH_BYTES - 1)] = 0;
  return 0;
}

/** Writes a name into `firstName`: 0, -ENAMETOOLONG or -EINVAL (the name holds a NUL). */
export function putFirst(name: Name): number {
  return put(firstName, name);
}

/** Writes a name into `secondName`: 0, -ENAMETOOLONG or -EINVAL (the name holds a NUL). */
export function putSecond(name: Name): number {
  return put(secondName, name);
}

/** Writes both names: 0 or a negated errno. */
export function putBoth(first: Name, second: Name): number {
  const problem = put(firstName, first);
  return problem < 0 ? problem : put(secondName, second);
}

/** The bytes `start`..`end` of a buffer as a name. */
export function nameAt(buffer: Buffer, start: number, end: number): Name {
  return (buffer as Latin1Buffer).latin1Slice(start, end);
}

/** A NUL-terminated copy of a text, for the rare calls with more than two; undefined when it holds a NUL. */
export function cString(text: Name): Buffer | undefined {
  return text.includes('\0') ? undefined : Buffer.from(`${text}\0`, 'latin1');
}
