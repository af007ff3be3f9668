/**
 * Why something failed, in words for people: one place that knows how the errors of Node are worded, so that no message
 * shows `ENOENT: no such file or directory, open '/x'`.
 */

import { getSystemErrorMap } from 'node:util';
import { errnoText } from './errno.js';
import { isSystemError } from './error-code.js';
import { FsError } from './fs-error.js';

/** `no such file or directory`; of an error that is none of the system's, its own message. */
export function reasonOf(error: unknown): string {
  if (error instanceof FsError) return errnoText(error.errno);
  if (!(error instanceof Error)) return String(error);
  const { errno, message } = error as NodeJS.ErrnoException;
  const known =
    typeof errno === 'number' ? errnoText(-errno, '') || getSystemErrorMap().get(errno)?.[1] : undefined;
  return known ?? message.replace(/^E[A-Z0-9]+: ([^,]+), .*$/s, '$1');
}

/** What Node calls by the C library's names. */
const DEEDS: Readonly<Record<string, string>> = {
  scandir: 'read',
  mkdir: 'make',
  unlink: 'remove',
  rmdir: 'remove',
  lstat: 'look at',
  stat: 'look at',
  connect: 'connect to',
};

/** What to tell of any error: its own message, but for Node's (`ENOSPC: no space left on device, open '/x'`), what was done first. */
export function messageOf(error: unknown): string {
  if (!isSystemError(error) || error instanceof FsError)
    return error instanceof Error ? error.message : String(error);
  const { syscall = '', path } = error;
  const deed = DEEDS[syscall] ?? (syscall.startsWith('spawn') ? 'run' : syscall);
  return `cannot ${deed}${path === undefined ? '' : ` '${path}'`}: ${reasonOf(error)}`;
}
