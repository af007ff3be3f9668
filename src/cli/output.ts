/**
 * What the commands print, and how they fail.
 *
 * An error is one line on standard error: `plyfs COMMAND: what, why; hint`.
 */

import { FsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

/** The line for an error; with `debug`, the stack below it. */
export function errorLine(command: string, error: unknown, debug: boolean): string {
  // Through UserError for its escapes: a file name in the message must not forge a second line.
  const plain =
    error instanceof UserError
      ? error
      : new UserError(error instanceof Error ? error.message : String(error));
  const hint = plain.hint === undefined ? '' : `; ${plain.hint}`;
  const line = `plyfs ${command}: ${plain.message}${hint}\n`;
  const stack = error instanceof Error ? error.stack : undefined;
  return debug && stack !== undefined ? `${line}${stack}\n` : line;
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
