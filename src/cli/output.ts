/**
 * What the commands print, and how they fail.
 *
 * An error is one line on standard error: `plyfs COMMAND: what, why; hint`.
 */

import { FsError } from '../errno/fs-error.js';
import { reasonOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import { isSystemError } from './system-error.js';

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

/** The line for an error; with `debug`, the stack below it. */
export function errorLine(command: string, error: unknown, debug: boolean): string {
  // Through UserError for its escapes: a file name in the message must not forge a second line.
  const plain = error instanceof UserError ? error : asUserError(error);
  const hint = plain.hint === undefined ? '' : `; ${plain.hint}`;
  const line = `plyfs ${command}: ${plain.message}${hint}\n`;
  const stack = error instanceof Error ? error.stack : undefined;
  return debug && stack !== undefined ? `${line}${stack}\n` : line;
}

/** What to do about it, where it is not for the one thing that was asked. */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'make room there, or choose another place',
  EDQUOT: "the owner's quota is used up",
  EACCES: 'use what is your own (--root, PLYFS_RUN_DIR), or run plyfs as its owner',
  EMFILE: 'raise the limit of open files: ulimit -n 4096',
  EROFS: 'choose a place that can be written',
};

function asUserError(error: unknown): UserError {
  if (!(error instanceof Error)) return new UserError(String(error));
  const code = 'code' in error ? String(error.code) : '';
  const message = isSystemError(error) ? systemMessage(error) : error.message;
  return new UserError(message, { hint: REMEDIES[code] });
}

/** What Node calls by the C library's names. */
const DEEDS: Readonly<Record<string, string>> = {
  scandir: 'read',
  mkdir: 'make',
  unlink: 'remove',
  rmdir: 'remove',
  lstat: 'look at',
  stat: 'look at',
};

/** Of `ENOSPC: no space left on device, open '/x'` what was done first. */
function systemMessage(error: NodeJS.ErrnoException): string {
  const { syscall = '', path } = error;
  const deed = DEEDS[syscall] ?? (syscall.startsWith('spawn') ? 'run' : syscall);
  return `cannot ${deed}${path === undefined ? '' : ` '${path}'`}: ${reasonOf(error)}`;
}

/** Prints the error and makes the command end with status 1. */
export function fail(command: string, error: unknown, debug: boolean): void {
  process.stderr.write(errorLine(command, error, debug));
  process.exitCode = 1;
}

/** Whether the error is one that a user can cause, and not a mistake of ours. */
export function isExpected(error: unknown): boolean {
  return error instanceof UserError || error instanceof FsError;
}
