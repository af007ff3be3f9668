/**
 * What a command reads: a file, or standard input.
 */

import { closeSync, fstatSync, openSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';

const CHUNK_BYTES = 512 * 1024;
const readAsync = promisify(read);

/** @throws UserError when it cannot be opened. */
export function openInput(path: string, chunkBytes = CHUNK_BYTES): AsyncIterable<Buffer> {
  if (path === '-') return process.stdin as AsyncIterable<Buffer>;
  const fd = openFile(path);
  return piecesOf(fd, 0, Number.POSITIVE_INFINITY, chunkBytes);
}

/** @throws UserError */
export function openFile(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw new UserError(`cannot read '${path}': ${reasonOf(error)}`, { cause: error });
  }
  if (!fstatSync(fd).isDirectory()) return fd;
  closeSync(fd);
  throw new UserError(`cannot read '${path}': it is a directory`);
}

/** `length` bytes of a file from `start`, or until its end; the descriptor is closed after. Each buffer is new. */
export async function* piecesOf(
  fd: number,
  start: number,
  length: number,
  chunkBytes = CHUNK_BYTES,
): AsyncGenerator<Buffer> {
  const isSeekable = fstatSync(fd).isFile();
  try {
    for (let done = 0; done < length; ) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, length - done));
      const position = isSeekable ? start + done : null;
      const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      done += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    closeSync(fd);
  }
}
