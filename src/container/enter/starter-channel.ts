/**
 * Descriptor 3 of a process that becomes a command: a line of JSON either way, to and from who started it.
 */

import { readSync, writeSync } from 'node:fs';

export const STARTER_FD = 3;
const CHUNK_BYTES = 64 << 10;

export function tellStarter(record: object): void {
  writeSync(STARTER_FD, `${JSON.stringify(record)}\n`);
}

/** One line, after which the other side waits for us. @throws Error when it is gone: its end is closed. */
export function hearStarter(): string {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const length = readSync(STARTER_FD, chunk, 0, chunk.length, null);
    if (length === 0) throw new Error('who started this command is gone');
    chunks.push(chunk.subarray(0, length));
    if (chunk[length - 1] === 0x0a) return Buffer.concat(chunks).toString('utf8');
  }
}
