/**
 * Tars as they come: plain, gzip (RFC 1952), zstd (RFC 8878), xz or bzip2, told apart by their first bytes.
 *
 * gzip is unpacked on Node's thread pool, beside the thread that writes the files; the others see zstd.ts, xz-bzip2.ts.
 */

import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { codeOf } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { cutOff } from './unpack-program.js';
import { unpackedBy } from './xz-bzip2.js';
import { zstd } from './zstd.js';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

export type Chunks = AsyncIterable<Buffer> | Iterable<Buffer>;

const MAGIC: readonly (readonly [kind: Compression, bytes: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  // A frame to be skipped, which may come first.
  ...Array.from({ length: 16 }, (_, low) => ['zstd', [0x50 + low, 0x2a, 0x4d, 0x18]] as const),
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
];
/** `BZh`, a digit for the size of its blocks, and what a block or the end of an empty stream begins with. */
const BZIP2 = /^425a683[1-9](?:314159265359|177245385090)/;
const SNIFF_BYTES = 10;

export function compressionOf(start: Buffer): Compression {
  const kind = MAGIC.find(([, bytes]) => bytes.every((byte, at) => start[at] === byte))?.[0];
  return kind ?? (BZIP2.test(start.toString('hex', 0, SNIFF_BYTES)) ? 'bzip2' : 'none');
}

interface Sniffed {
  readonly compression: Compression;
  /** All bytes, the first ones too. */
  readonly packed: AsyncGenerator<Buffer>;
}

interface Decompressed {
  readonly compression: Compression;
  readonly chunks: AsyncIterable<Buffer>;
}

/** Reads the first bytes, and gives all of them unpacked. */
export async function decompress(source: Chunks): Promise<Decompressed> {
  const { compression, packed } = await sniff(source);
  return { compression, chunks: UNPACKED[compression](packed) };
}

/** Reads the first bytes. */
export async function sniff(source: Chunks): Promise<Sniffed> {
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < SNIFF_BYTES) {
    const { value, done } = await iterator.next();
    if (done) break;
    start = start.length === 0 ? value : Buffer.concat([start, value]);
  }
  return { compression: compressionOf(start), packed: joined(start, iterator) };
}

const UNPACKED: Readonly<Record<Compression, (source: AsyncGenerator<Buffer>) => AsyncIterable<Buffer>>> = {
  none: (source) => source,
  gzip: (source) => through(source, createGunzip(INFLATE_OPTIONS)),
  zstd: (source) => explaining(zstd(source, INFLATE_OPTIONS)),
  xz: (source) => unpackedBy('xz', source),
  bzip2: (source) => unpackedBy('bzip2', source),
};

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
    yield* explaining(transform as AsyncIterable<Buffer>);
  } finally {
    transform.destroy();
  }
}

async function* explaining(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of chunks) yield chunk;
  } catch (error) {
    throw compressionError(error);
  }
}

/** zlib's own errors, with what a person needs to know. */
function compressionError(error: unknown): unknown {
  const code = codeOf(error) ?? '';
  if (code === 'Z_BUF_ERROR') {
    return cutOff();
  }
  if (!code.startsWith('Z_') && !code.startsWith('ZSTD_')) return error;
  return new UserError(`the compressed data is damaged: ${(error as Error).message}`, { cause: error });
}
