/**
 * Runs a command in a draft while this process goes on: another one has the mounts (try-main.ts). For programs; a command that has
 * the terminal is run by run-in-draft.ts itself.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { StartFailure } from '../container/command/start-failure.js';
import { splitLines } from '../daemon/messages/lines.js';
import { UserError, type UserErrorCode } from '../errno/user-error.js';
import type { Store } from '../store/store.js';
import type { DraftRecord } from './record/draft-record.js';
import { endGroup, ORDER_LIMIT, type TryOrder, type TryReport } from './try-order.js';

interface TriedCommand {
  readonly args: readonly string[];
  /** Absolute. */
  readonly workingDirectory: string;
  /** How many of the last bytes of each of the two outputs are kept. */
  readonly outputBytes: number;
  /** Aborted: the command is ended, by SIGTERM and five seconds later by SIGKILL. */
  readonly signal?: AbortSignal | undefined;
}

interface TriedOutcome {
  /** 128 + N where signal N ended it. */
  readonly status: number;
  /** Processes that it has left behind still have the draft. */
  readonly isStillUsed: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** The beginning of an output is not in it. */
  readonly isCut: boolean;
}

/** @throws UserError when the draft cannot be had, StartFailure when the command cannot be run. */
export async function tryApart(
  store: Store,
  { name }: Pick<DraftRecord, 'name'>,
  { args, workingDirectory, outputBytes, signal }: TriedCommand,
): Promise<TriedOutcome> {
  const script = fileURLToPath(new URL('./try-main.js', import.meta.url));
  const child = spawn(process.execPath, [script], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    cwd: '/',
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => new Tail(stream!, outputBytes));
  const end = (): void => {
    if (child.pid !== undefined) endGroup(child.pid);
  };
  signal?.addEventListener('abort', end);
  try {
    if (signal?.aborted === true) end();
    const report = await reportOf(child, { root: store.root, name, args, workingDirectory });
    await outputEnd(child);
    if ('failure' in report) throw failureOf(report);
    return {
      ...report,
      stdout: stdout!.text(),
      stderr: stderr!.text(),
      isCut: stdout!.isCut || stderr!.isCut,
    };
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

function reportOf(child: ChildProcess, order: TryOrder): Promise<TryReport> {
  const channel = child.stdio[3] as Duplex;
  return new Promise((resolve, reject) => {
    let report: TryReport | undefined;
    // The process has ended; its exit says so.
    channel.on('error', () => undefined);
    channel.setEncoding('utf8');
    channel.on(
      'data',
      splitLines(ORDER_LIMIT, (line) => {
        if (line !== undefined) report = JSON.parse(line) as TryReport;
      }),
    );
    child.on('error', reject);
    channel.on('close', () => {
      if (report === undefined)
        reject(new StartFailure(125, `the command in draft '${order.name}' was ended`));
      else resolve(report);
    });
    channel.write(`${JSON.stringify(order)}\n`);
  });
}

/** What is left behind may have the outputs for ever. */
const LAST_OUTPUT_MS = 500;

function outputEnd(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const letGo = (): void => {
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve();
    };
    const late = setTimeout(letGo, LAST_OUTPUT_MS);
    child.on('close', () => {
      clearTimeout(late);
      resolve();
    });
  });
}

function failureOf({ failure, code, hint, status }: Extract<TryReport, { readonly failure: string }>): Error {
  if (status !== undefined) return new StartFailure(status, failure);
  return new UserError(failure, { code: code as UserErrorCode | undefined, hint });
}

/** The end of an output. */
class Tail {
  readonly #chunks: Buffer[] = [];
  readonly #limit: number;
  #length = 0;
  isCut = false;

  constructor(stream: Readable, limit: number) {
    this.#limit = limit;
    stream.on('data', (chunk: Buffer) => this.#add(chunk));
  }

  #add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length - this.#chunks[0]!.length >= this.#limit) {
      this.#length -= this.#chunks.shift()!.length;
      this.isCut = true;
    }
  }

  text(): string {
    const bytes = Buffer.concat(this.#chunks);
    if (bytes.length <= this.#limit) return bytes.toString('utf8');
    this.isCut = true;
    return bytes.subarray(bytes.length - this.#limit).toString('utf8');
  }
}
