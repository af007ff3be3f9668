/**
 * Files that are there whole or not at all: written beside, fsynced, renamed, and the directory fsynced.
 */

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '../errno/error-code.js';
import { UserError } from '../errno/user-error.js';
import { randomHex } from '../vfs/random-hex.js';
import { crashPoint } from './crash-point.js';

/** The new content is on disk, under its name, on return; a reader at any time sees the old or the new. */
export function writeAtomic(path: string, content: string | Buffer, mode = 0o644): void {
  replaceFile(path, content, { mode, flush: true });
  syncDirectory(dirname(path));
  crashPoint();
}

function replaceFile(
  path: string,
  content: string | Buffer,
  options: { readonly mode: number; readonly flush: boolean },
): void {
  const temporary = `${path}.${process.pid}.${randomHex(4)}.new`;
  try {
    writeFileSync(temporary, content, { ...options, flag: 'wx' });
    crashPoint();
    renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
}

/** As writeAtomic(), of a value as indented JSON. */
export function writeJson(path: string, value: unknown, mode = 0o644): void {
  writeAtomic(path, textOf(value), mode);
}

/**
 * As writeJson() for readers, but not for the disk: after a power cut there may be the old content, the new one, none, or an
 * empty file.
 */
export function replaceJson(path: string, value: unknown, mode = 0o644): void {
  replaceFile(path, textOf(value), { mode, flush: false });
  crashPoint();
}

function textOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** @returns undefined when there is no such file. @throws UserError for one that is no JSON. */
export function readJson(path: string): unknown {
  const text = textIfThere(path);
  return text === undefined ? undefined : parseJson(path, text);
}

/** As readJson(), for what replaceJson() writes: an empty file is none. */
export function readReplacedJson(path: string): unknown {
  const text = textIfThere(path);
  return text === undefined || text === '' ? undefined : parseJson(path, text);
}

function textIfThere(path: string): string | undefined {
  try {
    return readText(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`cannot read '${path}': it is no JSON`, {
      hint: "'plyfs doctor' says what can be done",
      cause: error,
    });
  }
}

/** More than any record of the store comes to. */
const MAX_TEXT_BYTES = 64 << 20;

/**
 * The text of a file of the store, whoever has laid it there: a fifo does not hold us up, and what has no end is refused.
 * @throws UserError, and what open(2) says.
 */
export function readText(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unreadable(path, 'it is no file');
    if (stat.size > MAX_TEXT_BYTES) throw unreadable(path, `it is larger than ${MAX_TEXT_BYTES >> 20} MiB`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function unreadable(path: string, why: string): UserError {
  return new UserError(`cannot read '${path}': ${why}`, { hint: "'plyfs doctor' says what can be done" });
}

/** Names made, removed or renamed in the directory are on disk on return. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Names in a directory; none when there is no such directory. */
export function namesInFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Whether this user has written the file or link, or there is none: what it says of paths is done with this user's rights. Root may name
 * a store of somebody else's.
 */
export function isOwn(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined || found.uid === process.geteuid?.();
}

/** ENOENT, or ENOTDIR on the way there. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR');
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
