/**
 * Files that are there whole or not at all: written beside, fsynced, renamed, and the directory fsynced.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crashPoint } from './crash-point.js';

/** The new content is on disk, under its name, on return; a reader at any time sees the old or the new. */
export function writeAtomic(path: string, content: string | Buffer, mode = 0o644): void {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.new`;
  try {
    writeFileSync(temporary, content, { mode, flush: true, flag: 'wx' });
    crashPoint();
    renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
  syncDirectory(dirname(path));
  crashPoint();
}

/** As writeAtomic(), of a value as indented JSON. */
export function writeJson(path: string, value: unknown, mode = 0o644): void {
  writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`, mode);
}

/** @returns undefined when there is no such file. */
export function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return JSON.parse(text);
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

/** ENOENT, or ENOTDIR on the way there. */
export function isMissing(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
