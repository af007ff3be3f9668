/**
 * Layers as they come: plain, gzip (RFC 1952) or zstd (RFC 8878), told apart by their first bytes.
 *
 * gzip is unpacked on Node's thread pool, beside the thread that writes the files; zstd see zstd.ts.
 */

import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { UserError } from '../errno/user-error.js';
import { nativeZstd, zstd } from './zstd.js';

export type Compression = 'none' | 'gzip' | 'zstd';

export type Chunks = AsyncIterable<Buffer> | Iterable<Buffer>;

const MAGIC: readonly (readonly [kind: string, bytes: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  // A frame to be skipped, which may come first.
  ...Array.from({ length: 16 }, (_, low) => ['zstd', [0x50 + low, 0x2a, 0x4d, 0x18]] as const),
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];
const SNIFF_BYTES = 6;

/** @throws UserError for a compression that is known and not supported. */
export function compressionOf(start: Buffer): Compression {
  const kind = MAGIC.find(([, bytes]) => bytes.every((byte, at) => start[at] === byte))?.[0] ?? 'none';
  if (kind === 'none' || kind === 'gzip' || kind === 'zstd') return kind;
  throw new UserError(`${kind} is not supported`, {
    hint: `unpack it first, or compress it with gzip or zstd`,
  });
}

export interface Decompressed {
  readonly compression: Compression;
  readonly chunks: AsyncIterable<Buffer>;
}

/** Reads the first bytes, and gives all of them unpacked. */
export async function decompress(source: Chunks): Promise<Decompressed> {
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < SNIFF_BYTES) {
    const { value, done } = await iterator.next();
    if (done) break;
    start = start.length === 0 ? value : Buffer.concat([start, value]);
  }
  const compression = compressionOf(start);
  const all = joined(start, iterator);
  if (compression === 'none') return { compression, chunks: all };
  if (compression === 'gzip') return { compression, chunks: through(all, createGunzip(INFLATE_OPTIONS)) };
  const native = nativeZstd(INFLATE_OPTIONS);
  return { compression, chunks: native === undefined ? zstd(all) : through(all, native) };
}

async function* joined(
  start: Buffer,
  rest: Iterator<Buffer> | AsyncIterator<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    if (start.length > 0) yield start;
    for (;;) {
      const { value, done } = await rest.next();
      if (done) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}

/** Some pieces ahead, so that the pool unpacks while files are written; small enough for the cache of a core. */
const INFLATE_OPTIONS = { chunkSize: 256 * 1024, readableHighWaterMark: 2 * 1024 * 1024 };

async function* through(source: AsyncIterable<Buffer>, transform: Transform): AsyncGenerator<Buffer> {
  // The reader below sees the same error. It may come to the end first: zeros after the last member of a gzip are left.
  pipeline(Readable.from(source, { objectMode: true, highWaterMark: 4 }), transform).catch(() => undefined);
  try {
    for await (const chunk of transform) yield chunk as Buffer;
  } catch (error) {
    throw compressionError(error);
  } finally {
    transform.destroy();
  }
}

/** zlib's own errors, with what a person needs to know. */
function compressionError(error: unknown): unknown {
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '';
  if (code === 'Z_BUF_ERROR') {
    return new UserError('the compressed data ends too early: the file is truncated', { cause: error });
  }
  if (!code.startsWith('Z_') && !code.startsWith('ZSTD_')) return error;
  return new UserError(`the compressed data is damaged: ${(error as Error).message}`, { cause: error });
}
