/** Variables of a container's environment: the image's, `--env-file`, `-e`; the later wins. */

import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';

/**
 * @param options of `-e`: `NAME=VALUE`, or `NAME` for the value it has here; one that is not set here is taken away.
 * @throws UserError for an entry without a name, or a file that cannot be read.
 */
export function environmentEntries(files: readonly string[], options: readonly string[]): string[] {
  const entries = [...files.flatMap(readEnvironmentFile), ...options];
  for (const entry of entries)
    if (entry === '' || entry.startsWith('='))
      throw new UserError(`invalid environment variable: '${entry}'`, { hint: 'write NAME=VALUE' });
  return entries;
}

/**
 * The variables of a new container: those that were given first, in their order, as Docker has them.
 * @param entries of `environmentEntries()`.
 */
export function newEnvironment(
  image: readonly string[],
  entries: readonly string[],
  host: NodeJS.ProcessEnv = process.env,
): string[] {
  const given = mergeEnvironment([], entries, host);
  const names = new Set(entries.map(nameOf));
  return [...given, ...mergeEnvironment(image, [], host).filter((entry) => !names.has(nameOf(entry)))];
}

function nameOf(entry: string): string {
  return entry.split('=', 1)[0] ?? '';
}

/** @param entries of `environmentEntries()`. */
export function mergeEnvironment(
  image: readonly string[],
  entries: readonly string[],
  host: NodeJS.ProcessEnv = process.env,
): string[] {
  const variables = new Map<string, string>();
  for (const entry of image) {
    const equals = entry.indexOf('=');
    if (equals > 0) variables.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  for (const entry of entries) apply(entry, variables, host);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function apply(entry: string, variables: Map<string, string>, host: NodeJS.ProcessEnv): void {
  const equals = entry.indexOf('=');
  const name = equals < 0 ? entry : entry.slice(0, equals);
  const value = equals < 0 ? host[name] : entry.slice(equals + 1);
  if (value === undefined) variables.delete(name);
  else variables.set(name, value);
}

/** Lines `NAME=VALUE` or `NAME`; blank ones and those that begin with `#` are skipped, nothing is unquoted. */
function readEnvironmentFile(path: string): string[] {
  return readEntries(path, 'environment');
}

/** Reads a file of `--label-file`: lines `KEY=VALUE` or `KEY`. @throws UserError */
export function readLabelFile(path: string): string[] {
  return readEntries(path, 'label');
}

function readEntries(path: string, what: 'environment' | 'label'): string[] {
  const lines = readLines(path, `${what} file`);
  const bad = lines.map((line) => line.split('=', 1)[0] ?? '').find((name) => /\s/.test(name));
  if (bad === undefined) return lines;
  throw new EntriesFileError(`poorly formatted ${what} in '${path}': variable '${bad}' contains whitespaces`);
}

/** A file of variables or labels that cannot be taken. */
export class EntriesFileError extends UserError {}

/** Without those that are blank or begin with `#`. @throws EntriesFileError, also for bytes that are not UTF-8. */
function readLines(path: string, what: string): string[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new EntriesFileError(`cannot read the ${what} '${path}': ${reasonOf(error)}`, { cause: error });
  }
  const bad = firstBadLine(bytes);
  if (bad !== undefined) {
    throw new EntriesFileError(`cannot read the ${what} '${path}': line ${bad} is not UTF-8`, {
      hint: 'write it in UTF-8, as Docker wants it too',
    });
  }
  const lines = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  return lines.map((line) => line.trimStart()).filter((line) => line !== '' && !line.startsWith('#'));
}

/** Counted from 1. */
function firstBadLine(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined;
  const lines = bytes.toString('latin1').split('\n');
  return lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1'))) + 1;
}
