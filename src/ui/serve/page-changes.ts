/** What a page with `--write` sends: arguments as JSON, or a file for a volume, which waits in a temporary one until it is whole. */

import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../../errno/user-error.js';
import type { AnswerLane } from './answer-lane.js';

export const CHANGE_METHODS: readonly string[] = ['edit', 'clone', 'snapshot', 'apply', 'undo', 'upload'];

const MOST_JSON_BYTES = 4 * 1024 * 1024;

/** @param args of the address. @throws UserError */
export async function carryOut(
  method: string,
  args: unknown,
  request: IncomingMessage,
  lane: AnswerLane,
): Promise<unknown> {
  if (method !== 'upload') return lane.ask(method, await readJson(request));
  if (typeof args !== 'object' || args === null) throw new UserError('invalid arguments: no object');
  const folder = mkdtempSync(join(tmpdir(), 'plyfs-upload-'));
  try {
    const file = join(folder, 'file');
    await pipeline(request, createWriteStream(file, { mode: 0o600 }));
    // What was broken off is no file.
    if (!request.complete) throw new UserError('the upload was broken off');
    return await lane.ask(method, { ...args, file });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MOST_JSON_BYTES) throw new UserError('invalid arguments: too long');
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserError('invalid arguments: no JSON', { cause: error });
    throw error;
  }
}
