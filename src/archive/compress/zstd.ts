/**
 * zstd (RFC 8878), unpacked by the first of these that is there: Node (22.15), the program zstd(1), fzstd.
 *
 * Node reads one frame and takes its end for that of the stream, also where there are more, or the frame is cut off (22).
 * fzstd is plain JavaScript: twice the time of the program, in the thread that writes the files. It reads offsets beyond
 * 32 MiB wrongly, moves its whole window for each block, and calls itself for each frame. So both get one frame at a
 * time (zstd-frames.ts), fzstd only those of a small window.
 * INVARIANT: whoever unpacks, a frame's window is 128 MiB at most, which is what zstd(1) and Node allow by themselves.
 */

import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { cutOff, startUnpacking, throughProgram } from './unpack-program.js';
import { damagedFrame, dictionaryMissing, type FramePart, ZstdFrames } from './zstd-frames.js';

/** What Node has from 22.15 on. */
interface ZstdInNode {
  createZstdDecompress(options: object): Transform;
  zstdDecompressSync(bytes: Buffer, options: object): Buffer;
}

const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
const MAX_SCRIPT_WINDOW_BYTES = 8 * 1024 * 1024;

/** What it unpacks to. @throws UserError for what is damaged, or needs a dictionary or too large a window. */
export async function* zstd(source: AsyncIterable<Buffer>, options: object = {}): AsyncGenerator<Buffer> {
  if ('createZstdDecompress' in zlib) {
    // The types are of the oldest Node that plyfs runs on.
    yield* zstdInNode(source, options, zlib as unknown as ZstdInNode);
    return;
  }
  const program = await startUnpacking('zstd', { ZSTD_NBTHREADS: '1' });
  yield* program === undefined ? zstdInScript(source) : throughProgram(program, source, explained);
}

/** What zstd(1) said, with what a person needs to know. */
function explained(complaint: string): UserError | undefined {
  if (complaint.includes('too much memory')) {
    return new UserError('the compressed data needs a window of more than 128 MiB to unpack', {
      hint: 'compress it without --long',
    });
  }
  if (complaint.includes('Dictionary')) return dictionaryMissing();
  return complaint.includes('premature end') ? cutOff() : undefined;
}

/** zstd:chunked has a frame for each file: a small one is unpacked at once, which a stream takes ten times as long for. */
const MAX_AT_ONCE_BYTES = 1024 * 1024;
const MAX_SMALL_BYTES = 64 * 1024;

/** By Node. @throws errors of its zlib, with their code, and UserError. */
export async function* zstdInNode(
  source: AsyncIterable<Buffer>,
  options: object,
  node: ZstdInNode,
): AsyncGenerator<Buffer> {
  const parts = partsOf(source);
  try {
    for (let next = await parts.next(); !next.done; next = await parts.next()) {
      const { bytes, isWhole } = next.value;
      const small = isWhole && bytes.length <= MAX_SMALL_BYTES ? unpackSmall(bytes, node) : undefined;
      if (small === undefined) yield* unpackFrame(node.createZstdDecompress(options), next.value, parts);
      else if (small.length > 0) yield small;
    }
  } finally {
    await parts.return(undefined);
  }
}

/** @returns undefined for what unpacks to more than MAX_AT_ONCE_BYTES. */
function unpackSmall(bytes: Buffer, node: ZstdInNode): Buffer | undefined {
  try {
    return node.zstdDecompressSync(bytes, { maxOutputLength: MAX_AT_ONCE_BYTES });
  } catch (error) {
    if (hasCode(error, 'ERR_BUFFER_TOO_LARGE')) return undefined;
    throw error;
  }
}

type Parts = AsyncGenerator<FramePart, undefined, undefined>;

async function* partsOf(source: AsyncIterable<Buffer>): Parts {
  const frames = new ZstdFrames(MAX_WINDOW_BYTES);
  for await (const chunk of source) yield* frames.push(chunk);
  frames.finish();
}

async function* unpackFrame(decoder: Transform, first: FramePart, parts: Parts): AsyncGenerator<Buffer> {
  const bytes = Readable.from(frameBytes(first, parts), { objectMode: true, highWaterMark: 4 });
  const feeding = pipeline(bytes, decoder);
  // The reader below sees the same error.
  feeding.catch(() => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
    await feeding;
  } finally {
    decoder.destroy();
    bytes.destroy();
  }
}

async function* frameBytes(first: FramePart, parts: Parts): AsyncGenerator<Buffer> {
  yield first.bytes;
  for (let { isLast } = first; !isLast; ) {
    const next = await parts.next();
    if (next.done) return;
    yield next.value.bytes;
    isLast = next.value.isLast;
  }
}

/** By fzstd. */
export async function* zstdInScript(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const frames = new ZstdFrames(MAX_SCRIPT_WINDOW_BYTES);
  const unpacked: Buffer[] = [];
  const take = (data: Uint8Array): void => {
    if (data.length > 0) unpacked.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  };
  let decoder: Decompress | undefined;
  for await (const chunk of source) {
    for (const { bytes, isLast } of frames.push(chunk)) {
      decoder ??= new Decompress(take);
      try {
        decoder.push(bytes, isLast);
      } catch (error) {
        throw damagedFrame((error as Error).message, error);
      }
      if (isLast) decoder = undefined;
    }
    yield* unpacked.splice(0);
  }
  frames.finish();
}
