/** What a container's command has printed, out of its log, to our standard output and error. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../errno/user-error.js';
import { isMissing } from '../store/atomic-file.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { type LogEntry, logPath } from './attach/log-file.js';
import { isThere, mayEnd } from './wait.js';

export interface LogOptions {
  /** Until the command ends. */
  readonly follow: boolean;
  /** Only the last so many lines. */
  readonly lastLines: number | undefined;
  /** Milliseconds since 1970. */
  readonly since: number | undefined;
  readonly until: number | undefined;
  /** The time before each line. */
  readonly timestamps: boolean;
}

const POLL_MS = 50;
const CHUNK_BYTES = 256 * 1024;

/** @throws UserError when it keeps none. */
export async function printLog(store: Store, record: ContainerRecord, options: LogOptions): Promise<void> {
  if (record.logDriver === 'none') {
    throw new UserError(`container '${record.name}' has no log: it was made with --log-driver none`);
  }
  const fd = openLog(logPath(store, record));
  if (fd === undefined && !options.follow) return;
  try {
    await print(store, record, { ...options, fd });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function openLog(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function print(
  store: Store,
  record: ContainerRecord,
  { fd: opened, ...options }: LogOptions & { readonly fd: number | undefined },
): Promise<void> {
  let fd = opened;
  let offset = fd === undefined || options.lastLines === undefined ? 0 : startOfLast(fd, options.lastLines);
  let partial: Buffer = Buffer.alloc(0);
  for (;;) {
    const goesOn = options.follow && isThere(store, record) && mayEnd(store, record);
    fd ??= openLog(logPath(store, record));
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const bytes = fd === undefined ? 0 : readSync(fd, chunk, 0, chunk.length, offset);
    if (bytes === 0) {
      if (!goesOn) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      continue;
    }
    offset += bytes;
    const text = Buffer.concat([partial, chunk.subarray(0, bytes)]);
    const end = text.lastIndexOf(0x0a) + 1;
    partial = text.subarray(end);
    for (const line of text.toString('utf8', 0, end).split('\n')) {
      if (line === '') continue;
      const entry = JSON.parse(line) as LogEntry;
      const time = Date.parse(entry.time);
      if (options.until !== undefined && time > options.until) return;
      if (options.since === undefined || time >= options.since) await printEntry(entry, options);
    }
  }
}

async function printEntry(entry: LogEntry, { timestamps }: LogOptions): Promise<void> {
  const bytes = entry.base64 === undefined ? Buffer.from(entry.log) : Buffer.from(entry.base64, 'base64');
  const shown = timestamps ? Buffer.concat([Buffer.from(`${fullTime(entry.time)} `), bytes]) : bytes;
  const stream = entry.stream === 'stderr' ? process.stderr : process.stdout;
  if (!stream.write(shown)) await new Promise<void>((resolve) => stream.once('drain', () => resolve()));
}

/** Docker's fixed nine digits. */
function fullTime(time: string): string {
  const [seconds = '', fraction = ''] = time.slice(0, -1).split('.');
  return `${seconds}.${fraction.padEnd(9, '0')}Z`;
}

function startOfLast(fd: number, count: number): number {
  const size = sizeOf(fd);
  if (size === 0 || count === 0) return size;
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
  return 0;
}

function sizeOf(fd: number): number {
  return fstatSync(fd).size;
}
