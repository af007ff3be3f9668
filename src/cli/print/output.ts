/**
 * What the commands print, and how they fail. Here alone it is decided how names appear: quoted on a terminal where they
 * hold what it must not get (errno/printable.ts), byte for byte elsewhere.
 *
 * An error is one line on standard error: `plyfs COMMAND: what, why; hint`.
 */

import { codeOf, hasCode } from '../../errno/error-code.js';
import { FsError } from '../../errno/fs-error.js';
import { missingAddon } from '../../errno/missing-addon.js';
import { oneLine, printableJson, quotedName } from '../../errno/printable.js';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { nameFromText } from '../../vfs/name.js';

/** A name, or another value from elsewhere, as standard output is to have it. */
export function shown(name: string): string {
  return process.stdout.isTTY ? quotedName(name) : name;
}

/** The same for a sentence of ours that has names in it. */
export function shownLine(line: string): string {
  return process.stdout.isTTY ? oneLine(line) : line;
}

/** A value's JSON as standard output is to have it: a terminal gets `\u` escapes for what it must not get itself. */
export function jsonText(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, null, indent);
  return process.stdout.isTTY ? printableJson(json) : json;
}

/**
 * Text of which each name went through `shown()`. What is unsafe in it then is the user's own, as colours in a `--format`;
 * with `print()` a terminal does not get that either.
 */
export function printShown(text: string): void {
  write(process.stdout, text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

/** Lines; a name in them that may hold line breaks is `shown()` first. */
export function print(text: string): void {
  printShown(process.stdout.isTTY ? text.split('\n').map(oneLine).join('\n') : text);
}

/** One line on standard error: a warning, a notice, progress. */
export function say(line: string): void {
  write(process.stderr, `${process.stderr.isTTY ? oneLine(line) : line}\n`);
}

/** What is not UTF-8 in a name goes out as the bytes it is. */
function write(stream: NodeJS.WriteStream, text: string): void {
  stream.write(Buffer.from(nameFromText(text), 'latin1'));
}

/** The line for an error; with `debug`, the stack below it. */
export function errorLine(command: string, error: unknown, { debug }: { readonly debug: boolean }): string {
  // Through UserError for its escapes: a file name in the message must not forge a second line.
  const plain = error instanceof UserError ? error : asUserError(error);
  const hint = plain.hint === undefined ? '' : `; ${plain.hint}`;
  const line = `plyfs ${command}: ${plain.message}${hint}\n`;
  const stack = error instanceof Error ? error.stack : undefined;
  return debug && stack !== undefined ? `${line}${stack.split('\n').map(oneLine).join('\n')}\n` : line;
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
  const addon = missingAddon(error);
  if (addon !== undefined) return addon;
  return new UserError(messageOf(error), { hint: REMEDIES[codeOf(error) ?? ''] });
}

/** 128 and SIGPIPE. */
export const STATUS_OF_SIGPIPE = 141;

/** Prints the error and makes the command end with status 1. */
export function fail(command: string, error: unknown, { debug }: { readonly debug: boolean }): void {
  if (hasCode(error, 'ERR_OUTPUT_CLOSED')) {
    // As of any program whose reader is gone: not a word, and the status of SIGPIPE.
    process.exitCode = STATUS_OF_SIGPIPE;
    return;
  }
  process.stderr.write(errorLine(command, error, { debug }));
  process.exitCode = 1;
}

/** Whether the error is one that a user can cause, and not a mistake of ours. */
export function isExpected(error: unknown): boolean {
  return error instanceof UserError || error instanceof FsError;
}
