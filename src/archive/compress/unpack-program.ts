/**
 * Compressed data unpacked by a program of the host (xz, bzip2, zstd), which runs beside the thread that writes files.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';

type UnpackProgram = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts `NAME -dc`. @returns undefined where there is no such program. */
export async function startUnpacking(
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<UnpackProgram | undefined> {
  const program = spawn(name, ['-dc'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env, LC_ALL: 'C' },
  });
  try {
    await once(program, 'spawn');
    return program;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return undefined;
    throw error;
  }
}

/**
 * What the program makes of the source. Leaving the iteration ends the program.
 * @param explain what its complaint means; undefined: just that the data is damaged.
 * @throws UserError for what it does not unpack.
 */
export async function* throughProgram(
  program: UnpackProgram,
  source: AsyncIterable<Buffer>,
  explain: (complaint: string) => UserError | undefined,
): AsyncGenerator<Buffer> {
  const feeding = feed(program, source);
  // Awaited below; until then a failure is not unhandled.
  feeding.catch(() => undefined);
  const complaint = text(program.stderr);
  const closed = once(program, 'close');
  try {
    for await (const chunk of program.stdout) yield chunk as Buffer;
    const [status] = await closed;
    await feeding;
    if (status !== 0) throw explain(await complaint) ?? damaged(await complaint, program.spawnfile);
  } finally {
    program.kill('SIGKILL');
  }
}

async function feed(program: UnpackProgram, source: AsyncIterable<Buffer>): Promise<void> {
  try {
    await pipeline(Readable.from(source, { objectMode: true, highWaterMark: 4 }), program.stdin);
  } catch (error) {
    // The program gave up first, and says why.
    if (!hasCode(error, 'EPIPE')) throw error;
  }
}

/** Quotes the program's first line without its name and the file's: `zstd: /*stdin*\ : Restored data ...`, `xz: (stdin): ...`. */
function damaged(complaint: string, name: string): UserError {
  const [line = ''] = complaint.trim().split('\n');
  const why = line.replace(/^.*(?:stdin\W*?:\s*)/, '').replace(new RegExp(`^${name}:\\s*`), '');
  return new UserError(`the compressed data is damaged: ${why || `${name}(1) failed`}`);
}

/** The error for a stream that ends before it should. */
export function cutOff(): UserError {
  return new UserError('the compressed data ends too early: the file is truncated');
}
