/** The lines of a container's log, read through all of its files, also while they are written and replaced. */

import { closeSync, fstatSync, readSync } from 'node:fs';
import { UserError } from '../../errno/user-error.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { logPath } from '../command/attach/log-file.js';
import { isReplaced, type OpenLog, openLogs, startOfLast } from '../command/attach/log-files.js';
import { isThere, mayEnd } from '../command/wait-for-container.js';

interface LogReading {
  /** Until the command ends. */
  readonly follow: boolean;
  /** Only the last so many lines. */
  readonly lastLines: number | undefined;
  /** Aborted: no more is read. */
  readonly signal?: AbortSignal | undefined;
}

const POLL_MS = 50;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Lines of JSON, each an entry, as many at a time as a read gives; some are empty. @throws UserError when it keeps no log. */
export async function* readLogLines(
  store: Store,
  record: ContainerRecord,
  { follow, lastLines, signal }: LogReading,
): AsyncGenerator<readonly string[]> {
  if (record.logDriver === 'none') {
    throw new UserError(`container '${record.name}' has no log: it was made with --log-driver none`);
  }
  const reader = new LogReader(logPath(store, record), lastLines);
  try {
    while (signal?.aborted !== true) {
      const goesOn = follow && isThere(store, record) && mayEnd(store, record);
      const lines = reader.read();
      if (lines !== undefined) yield lines;
      else if (goesOn) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      else return;
    }
  } finally {
    reader.close();
  }
}

class LogReader {
  readonly #path: string;
  readonly #logs: OpenLog[] = [];
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #offset = 0;
  #partial: Buffer = Buffer.alloc(0);

  constructor(path: string, lastLines: number | undefined) {
    this.#path = path;
    this.#logs.push(...openLogs(path));
    if (lastLines === undefined || this.#logs.length === 0) return;
    const { index, offset } = startOfLast(this.#logs, lastLines);
    for (const { fd } of this.#logs.splice(0, index)) closeSync(fd);
    this.#offset = offset;
  }

  /** Whole lines; undefined when there are no more for now. */
  read(): string[] | undefined {
    for (;;) {
      const bytes = this.#fill();
      if (bytes === 0) return undefined;
      const chunk = this.#chunk.subarray(0, bytes);
      const text = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk]);
      const end = text.lastIndexOf(NEWLINE) + 1;
      this.#partial = Buffer.from(text.subarray(end));
      if (end > 0) return text.toString('utf8', 0, end - 1).split('\n');
    }
  }

  close(): void {
    for (const { fd } of this.#logs.splice(0)) closeSync(fd);
  }

  #fill(): number {
    for (;;) {
      const [log] = this.#logs;
      if (log === undefined) {
        this.#logs.push(...openLogs(this.#path));
        if (this.#logs.length === 0) return 0;
        continue;
      }
      // Asked first: what was written before it was replaced is read below.
      const isLast = this.#logs.length === 1;
      const isOver = isLast && isReplaced(this.#path, log);
      // A log of one file begins anew at its limit.
      if (isLast && fstatSync(log.fd).size < this.#offset) this.#startAnew();
      const bytes = readSync(log.fd, this.#chunk, 0, CHUNK_BYTES, this.#offset);
      this.#offset += bytes;
      if (bytes > 0 || (isLast && !isOver)) return bytes;
      if (isOver) this.#logs.push(...openLogs(this.#path, log.inode));
      this.#logs.shift();
      closeSync(log.fd);
      this.#startAnew();
    }
  }

  #startAnew(): void {
    this.#offset = 0;
    this.#partial = Buffer.alloc(0);
  }
}
