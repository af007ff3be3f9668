/** Waiting for a container's end, and what it has printed. */

import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { isMissing } from '../store/atomic-file.js';
import { type ContainerRecord, readContainer } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { logPath } from './run.js';
import { readState } from './run-state.js';
import { statusOf } from './status.js';

const POLL_MS = 50;

/** The exit status of its command; 0 when it has run none, or was removed with its end. */
export async function waitForContainer(store: Store, record: ContainerRecord): Promise<number> {
  while (isThere(store, record) && statusOf(store, record).status === 'running') await pause();
  return readState(store, record.id)?.exitCode ?? 0;
}

/** Copies the log to standard output; with `follow`, until the container ends. */
export async function printLog(
  store: Store,
  record: ContainerRecord,
  { follow, lastLines }: { readonly follow: boolean; readonly lastLines: number | undefined },
): Promise<void> {
  const path = logPath(store, record);
  let offset = lastLines === undefined ? 0 : startOfLast(path, lastLines);
  for (;;) {
    const runs = follow && isThere(store, record) && statusOf(store, record).status === 'running';
    offset = await copyFrom(path, offset);
    if (!runs) return;
    await pause();
  }
}

async function copyFrom(path: string, offset: number): Promise<number> {
  const size = sizeOf(path);
  if (size <= offset) return offset;
  const stream = createReadStream(path, { start: offset, end: size - 1 });
  stream.pipe(process.stdout, { end: false });
  await finished(stream);
  return size;
}

function startOfLast(path: string, count: number): number {
  const size = sizeOf(path);
  if (size === 0) return 0;
  const fd = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(64 * 1024);
    // The last line ends with a newline, which begins none.
    let missing = count;
    for (let end = size - 1; end > 0; ) {
      const start = Math.max(0, end - chunk.length);
      const bytes = readSync(fd, chunk, 0, end - start, start);
      for (let at = bytes - 1; at >= 0; at--) {
        if (chunk[at] === 0x0a && --missing === 0) return start + at + 1;
      }
      end = start;
    }
    return count === 0 ? size : 0;
  } finally {
    closeSync(fd);
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

function isThere(store: Store, { id }: ContainerRecord): boolean {
  return readContainer(store, id) !== undefined;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
