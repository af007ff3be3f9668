/**
 * zstd (RFC 8878), unpacked by the first of these that is there: Node (22.15), the program zstd(1), fzstd.
 *
 * fzstd is plain JavaScript: twice the time of the program, in the thread that writes the files. It reads offsets beyond
 * 32 MiB wrongly, moves its whole window for each block, and calls itself for each frame. So it gets one frame at a
 * time, of a small window (zstd-frames.ts).
 * INVARIANT: whoever unpacks, a frame's window is 128 MiB at most, which is what zstd(1) and Node allow by themselves.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable, type Transform, type Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { UserError } from '../errno/user-error.js';
import { dictionaryMissing, ZstdFrames } from './zstd-frames.js';

interface ZstdInNode {
  createZstdDecompress?(options: object): Transform;
}

/** Node's own decoder; undefined before 22.15. */
export function nativeZstd(options: object): Transform | undefined {
  return (zlib as ZstdInNode).createZstdDecompress?.(options);
}

/** What it unpacks to. @throws UserError for what is damaged, or needs a dictionary or too large a window. */
export async function* zstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const program = await startProgram();
  yield* program === undefined ? zstdInScript(source) : through(program, source);
}

type Program = ChildProcessByStdio<Writable, Readable, Readable>;

/** @returns undefined where there is no such program. */
async function startProgram(): Promise<Program | undefined> {
  const program = spawn('zstd', ['-dcq'], { stdio: ['pipe', 'pipe', 'pipe'] });
  try {
    await once(program, 'spawn');
    return program;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES') return undefined;
    throw error;
  }
}

async function* through(program: Program, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const feeding = feed(program, source);
  // Awaited below; until then a failure is not unhandled.
  feeding.catch(() => undefined);
  const complaint = text(program.stderr);
  const closed = once(program, 'close');
  try {
    for await (const chunk of program.stdout) yield chunk as Buffer;
    const [status] = await closed;
    await feeding;
    if (status !== 0) throw explained(await complaint);
  } finally {
    program.kill('SIGKILL');
  }
}

async function feed(program: Program, source: AsyncIterable<Buffer>): Promise<void> {
  try {
    await pipeline(Readable.from(source, { objectMode: true, highWaterMark: 4 }), program.stdin);
  } catch (error) {
    // The program gave up first, and says why.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

/** What zstd(1) said, with what a person needs to know. */
function explained(complaint: string): UserError {
  if (complaint.includes('too much memory')) {
    return new UserError('the compressed data needs a window of more than 128 MiB to unpack', {
      hint: 'compress it without --long',
    });
  }
  if (complaint.includes('Dictionary')) return dictionaryMissing();
  if (complaint.includes('premature end')) {
    return new UserError('the compressed data ends too early: the file is truncated');
  }
  const why =
    complaint
      .trim()
      .split('\n')[0]
      ?.replace(/^.*\/\*stdin\*\\\s*:\s*/, '') || 'zstd(1) failed';
  return new UserError(`the compressed data is damaged: ${why}`);
}

/** By fzstd. */
export async function* zstdInScript(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const frames = new ZstdFrames();
  for await (const chunk of source) yield* frames.push(chunk);
  frames.finish();
}
