/**
 * What a command writes: a file that is there whole or not at all, or standard output.
 */

import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { reasonOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import type { Chunks } from './decompress.js';
import { cannotWrite, writeAll } from './write-all.js';

/** @throws UserError when the file cannot be written, or standard output is a terminal. */
export async function writeOutput(
  path: string | undefined,
  chunks: Chunks,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<void> {
  if (path === undefined || path === '-') return writeStandard(chunks);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) return writeInto(path, chunks, onBytes);
  const temporary = `${path}.${randomBytes(4).toString('hex')}.new`;
  try {
    await writeInto(temporary, chunks, onBytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeStandard(chunks: Chunks): Promise<void> {
  if (process.stdout.isTTY) {
    throw new UserError('an archive is not written to a terminal', { hint: 'use -o FILE, or a pipe' });
  }
  try {
    await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 4 }), process.stdout);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall === 'write'
      ? cannotWrite('to standard output', error)
      : error;
  }
}

async function writeInto(path: string, chunks: Chunks, onBytes: (bytes: number) => void): Promise<void> {
  const file = await openForWriting(path);
  try {
    for await (const chunk of chunks) {
      await writeAll(file, chunk, `'${path}'`);
      onBytes(chunk.length);
    }
  } finally {
    await file.close();
  }
}

async function openForWriting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w', 0o644);
  } catch (error) {
    throw new UserError(`cannot write '${path}': ${reasonOf(error)}`, { cause: error });
  }
}
