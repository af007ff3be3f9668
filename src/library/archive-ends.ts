/** What archives are read from and written to, as programs give it: a file by its path, or a stream. */

import { resolve } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openInput } from '../archive/streams/input.js';
import { writeOutput } from '../archive/streams/output-file.js';
import { invalidArgument, shownValue } from './checked-options.js';

/** A tar to read: a file, or its bytes. */
export type ArchiveSource = string | AsyncIterable<Uint8Array>;

/** Where a tar is written: a file, which is there whole or not at all, or a stream, which is ended. */
export type ArchiveTarget = string | Writable;

/** @throws UserError for what is neither, or a file that cannot be opened. */
export function sourceChunks(called: string, source: ArchiveSource): AsyncIterable<Buffer> {
  if (typeof source === 'string' && source !== '') return openInput(resolve(source));
  if (typeof source === 'object' && source !== null && Symbol.asyncIterator in source)
    return buffersOf(source);
  throw invalidArgument(called, `the source is a path or a stream, not ${shownValue(source)}`);
}

/** What is said of the source in an image's history. */
export function sourceName(source: ArchiveSource): string {
  return typeof source === 'string' ? source : '-';
}

/** @throws UserError for what is neither, or a file that cannot be written. */
export async function writeArchive(
  called: string,
  target: ArchiveTarget,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  if (typeof target === 'string' && target !== '') await writeOutput(resolve(target), chunks);
  else if (typeof target === 'object' && typeof target?.write === 'function')
    await pipeline(Readable.from(chunks), target);
  else throw invalidArgument(called, `the target is a path or a stream, not ${shownValue(target)}`);
}

async function* buffersOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const { buffer, byteOffset, byteLength } of source)
    yield Buffer.from(buffer, byteOffset, byteLength);
}
