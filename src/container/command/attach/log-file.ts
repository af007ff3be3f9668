/**
 * `containers/ID/log.json`: what a container's command has printed, an entry a line, in the form of Docker's json-file
 * (`log`, `stream`, `time`). A line that is not UTF-8 has its bytes beside it (`base64`), since JSON is text.
 */

import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { hasCode } from '../../../errno/error-code.js';
import { isMissing } from '../../../store/atomic-file.js';
import { containerHome } from '../../../store/container-home.js';
import type { Store } from '../../../store/store.js';
import type { LogLimits } from '../../record/log-settings.js';
import { rotatedPath } from './log-files.js';

export type OutputStream = 'stdout' | 'stderr';

export interface LogEntry {
  readonly log: string;
  readonly stream: OutputStream;
  /** RFC 3339, UTC, to the microsecond. */
  readonly time: string;
  readonly base64?: string;
}

export function logPath(store: Store, { id }: { readonly id: string }): string {
  return store.path(containerHome(id), 'log.json');
}

/** A line without an end is cut there, as Docker does it. */
const LINE_LIMIT = 16 * 1024;
const NEWLINE = 0x0a;

const MODE = 0o600;

/** A fifo in its place is an error (ENXIO), and does not wait for a reader. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

export class LogFile implements Disposable {
  readonly #path: string;
  readonly #limits: LogLimits;
  #pending: Record<OutputStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  #fd: number;
  #bytes: number;

  constructor(path: string, limits: LogLimits = { maxBytes: undefined, maxFiles: 1 }) {
    this.#path = path;
    this.#limits = limits;
    this.#fd = openSync(path, APPEND, MODE);
    this.#bytes = fstatSync(this.#fd).size;
  }

  /** Full lines are written; the beginning of one waits for its end. */
  write(stream: OutputStream, chunk: Buffer): void {
    const tail = entryTail(stream);
    const pending = this.#pending[stream];
    const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const entries: string[] = [];
    let at = 0;
    for (;;) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline < 0 ? bytes.length : newline + 1;
      for (; end - at > LINE_LIMIT; at += LINE_LIMIT)
        entries.push(entryLine(bytes, at, at + LINE_LIMIT, tail));
      if (newline < 0) break;
      entries.push(entryLine(bytes, at, end, tail));
      at = end;
    }
    // A copy: the chunk is large, and this is kept.
    this.#pending[stream] = Buffer.from(bytes.subarray(at));
    this.#append(entries);
  }

  [Symbol.dispose](): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const bytes = this.#pending[stream];
      if (bytes.length > 0) this.#append([entryLine(bytes, 0, bytes.length, entryTail(stream))]);
    }
    this.#pending = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  /** An entry is begun in a file that has less than the limit, and is whole. */
  #append(entries: readonly string[]): void {
    const { maxBytes } = this.#limits;
    if (maxBytes === undefined) {
      this.#write(entries.join(''));
      return;
    }
    let fitting: string[] = [];
    for (const entry of entries) {
      if (this.#bytes >= maxBytes) {
        this.#write(fitting.join(''));
        fitting = [];
        this.#rotate();
      }
      fitting.push(entry);
      this.#bytes += Buffer.byteLength(entry);
    }
    this.#write(fitting.join(''));
  }

  #write(text: string): void {
    if (text === '') return;
    try {
      writeSync(this.#fd, text);
    } catch (error) {
      forgive(error);
    }
  }

  #rotate(): void {
    this.#bytes = 0;
    try {
      if (this.#limits.maxFiles === 1) {
        ftruncateSync(this.#fd);
        return;
      }
      for (let number = this.#limits.maxFiles - 2; number >= 0; number--) {
        renameIfThere(rotatedPath(this.#path, number), rotatedPath(this.#path, number + 1));
      }
      const fd = openSync(this.#path, APPEND, MODE);
      closeSync(this.#fd);
      this.#fd = fd;
    } catch (error) {
      forgive(error);
    }
  }
}

/** A full disk costs lines of the log; it must not end the command. So does a container that is being removed. */
function forgive(error: unknown): void {
  if (!hasCode(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'ENOENT')) throw error;
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** What follows the text in all entries that are written together. */
function entryTail(stream: OutputStream): string {
  return `,"stream":"${stream}","time":"${timeNow()}"`;
}

/** By hand: a command that prints many short lines waits for this. */
function entryLine(bytes: Buffer, start: number, end: number, tail: string): string {
  const text = bytes.toString('utf8', start, end);
  // The replacement character is what bytes become that are not UTF-8; seldom it is one that was printed.
  const isText = !text.includes('\uFFFD') || isUtf8(bytes.subarray(start, end));
  const raw = isText ? '' : `,"base64":"${bytes.subarray(start, end).toString('base64')}"`;
  return `{"log":${JSON.stringify(text)}${tail}${raw}}\n`;
}

/** Date has milliseconds only. */
function timeNow(): string {
  const now = performance.timeOrigin + performance.now();
  const micros = Math.floor((now % 1) * 1000);
  return `${new Date(now).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}
