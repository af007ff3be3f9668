/** Names of volumes. */

import { UserError } from '../errno/user-error.js';
import { randomHex } from '../vfs/random-hex.js';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** What a directory's name may be long. */
const MAX_BYTES = 255;

/** @throws UserError that says what a name may be. */
export function checkVolumeName(name: string): void {
  if (name.length > MAX_BYTES) {
    throw new UserError(`invalid volume name '${name.slice(0, 20)}...': longer than ${MAX_BYTES} characters`);
  }
  if (NAME.test(name)) return;
  const hint =
    name.startsWith('/') || name.startsWith('.') ? 'a host directory is mounted with -v' : undefined;
  throw new UserError(
    `invalid volume name '${name}': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed (two characters at least)`,
    { hint },
  );
}

/** 64 hex digits. */
export function newAnonymousName(): string {
  return randomHex(32);
}

export function noSuchVolume(name: string): UserError {
  return new UserError(`no such volume: '${name}'`, {
    code: 'ERR_NOT_FOUND',
    hint: "'plyfs volume ls' shows those there are",
  });
}

/**
 * Docker's rule for names in filters, of containers too (moby, api/types/filters: Match): the text has `wanted` anywhere, or
 * matches it as a regular expression.
 */
export function matchesText(text: string, wanted: string): boolean {
  if (text.includes(wanted)) return true;
  try {
    return new RegExp(wanted).test(text);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
