/**
 * Digests from outside: the only ones that become parts of paths have passed here.
 */

import { UserError } from '../../errno/user-error.js';
import type { Digest } from './oci.js';

const SHA256 = /^sha256:[0-9a-f]{64}$/;

/** @throws UserError for anything but `sha256:` and 64 hex digits. */
export function checkDigest(value: unknown, what: string): Digest {
  if (typeof value === 'string' && SHA256.test(value)) return value;
  const isUpper = typeof value === 'string' && SHA256.test(value.toLowerCase());
  throw new UserError(`invalid image: ${what} has the digest '${String(value).slice(0, 80)}'`, {
    hint: isUpper ? 'its hex digits must be lower case' : 'only sha256 is supported',
  });
}

/** @throws UserError when there is more or less of it than was promised. */
export function compareSize(found: number, expected: number | undefined, what: string): void {
  if (expected === undefined || found === expected) return;
  throw new UserError(`${what} is damaged: it has ${found} bytes, and ${expected} were expected`);
}

/** @throws UserError when what was read is not what was promised. */
export function compareDigest(found: Digest, expected: Digest | undefined, what: string): void {
  if (expected === undefined || found === expected) return;
  throw new UserError(`${what} is damaged: its digest is '${found}', and '${expected}' was expected`);
}

/** JSON as it is hashed: without blanks. */
export function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
