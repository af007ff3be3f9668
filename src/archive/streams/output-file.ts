/**
 * What a command writes: a file that is there whole or not at all, or standard output.
 */

import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode, isSystemError } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import type { Chunks } from '../compress/decompress.js';
import { cannotWrite, writeAll } from './write-all.js';

/** @throws UserError when the file cannot be written, or standard output is a terminal. */
export async function writeOutput(
  path: string | undefined,
  chunks: Chunks,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<void> {
  if (path === undefined || path === '-') return writeStandard(chunks);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
    return writeInto({ path, shown: path }, chunks, onBytes);
  const temporary = `${path}.${randomBytes(4).toString('hex')}.new`;
  try {
    await writeInto({ path: temporary, shown: path }, chunks, onBytes);
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
    if (!isSystemError(error) || error.syscall !== 'write') throw error;
    if (!hasCode(error, 'EPIPE')) throw cannotWrite('to standard output', error);
    throw new UserError('standard output is closed', { code: 'ERR_OUTPUT_CLOSED', cause: error });
  }
}

interface Target {
  readonly path: string;
  /** As the user knows it. */
  readonly shown: string;
}

async function writeInto(target: Target, chunks: Chunks, onBytes: (bytes: number) => void): Promise<void> {
  const file = await openForWriting(target);
  try {
    for await (const chunk of chunks) {
      await writeAll(file, chunk, `'${target.shown}'`);
      onBytes(chunk.length);
    }
  } finally {
    await file.close();
  }
}

async function openForWriting({ path, shown }: Target): Promise<FileHandle> {
  try {
    return await open(path, 'w', 0o644);
  } catch (error) {
    throw new UserError(`cannot write '${shown}': ${reasonOf(error)}`, { cause: error });
  }
}
