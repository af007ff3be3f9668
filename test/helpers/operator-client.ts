/**
 * The test's side of an operator: starts one, asks it, and gives up on it when it does not answer in time.
 *
 * INVARIANT: nothing here touches a mount. When a call takes longer than its limit, the kernel stack of the operator is
 * taken from /proc, `onHang` is asked to break the mount (abort the FUSE connection), and the operator is killed.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import type { OperationName, Operations } from './operations/all-operations.js';
import type { Identity } from './operations/process-operations.js';
import { type Reply, type Request, SABOTAGE } from './operator-protocol.js';
import { distPath } from './project-paths.js';

/** The operations of an operator, on one root directory; each failure rejects with an OperationError. */
export type Fs = {
  readonly [K in OperationName]: (...args: Parameters<Operations[K]>) => Promise<ReturnType<Operations[K]>>;
};

export class OperationError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'OperationError';
    this.code = code;
  }
}

/** The operator did not answer in time, or died. */
export class OperatorLost extends Error {
  override readonly name = 'OperatorLost';
}

export interface OperatorOptions {
  readonly identity?: Identity;
  /** Operations that it is to answer without doing them. */
  readonly sabotage?: readonly OperationName[];
  readonly limitMs?: number;
  /** Breaks whatever the operator may hang on. */
  readonly onHang?: () => void;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
  readonly line: number;
}

/** An operator, wherever it runs. */
export interface OperatorHandle {
  readonly pid: number;
  /** It did not answer, or died. */
  readonly isLost: boolean;
  /** Its last calls with their outcome, oldest first. */
  readonly trace: readonly string[];
  forgetTrace(): void;
  /** The operations below `root`, an absolute path. */
  fs(root: string): Fs;
  stop(): Promise<void>;
}

const DEFAULT_LIMIT_MS = 60_000;
const TRACE_LENGTH = 40;

export class Operator implements OperatorHandle {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #limitMs: number;
  readonly #onHang: () => void;
  readonly #trace: string[] = [];
  #lines = 0;
  #lastId = 0;
  #lost: OperatorLost | undefined;

  /** Starts an operator that is ready for calls. */
  static async start(options: OperatorOptions = {}): Promise<Operator> {
    const operator = new Operator(options);
    if (options.identity !== undefined) await operator.fs('/').become(options.identity);
    return operator;
  }

  private constructor(options: OperatorOptions) {
    this.#limitMs = options.limitMs ?? DEFAULT_LIMIT_MS;
    this.#onHang = options.onHang ?? (() => undefined);
    this.#child = fork(distPath('test/helpers/operator.js'), [], {
      serialization: 'advanced',
      execArgv: [],
      env: { PATH: process.env.PATH, [SABOTAGE]: (options.sabotage ?? []).join(',') },
    });
    this.#child.on('message', (reply) => this.#settle(reply as Reply));
    this.#child.on('exit', (code, signal) =>
      this.#lose(new OperatorLost(`the operator ended: ${signal ?? code}`)),
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Its last calls with their outcome, oldest first. */
  get trace(): readonly string[] {
    return this.#trace;
  }

  forgetTrace(): void {
    this.#trace.length = 0;
    this.#lines = 0;
  }

  /** The operations below `root`, an absolute path. */
  fs(root: string): Fs {
    const call = (operation: OperationName, args: readonly unknown[]) =>
      this.#call({ root, operation, args });
    return new Proxy({} as Fs, {
      get: (_, operation: OperationName | 'then') =>
        operation === 'then' ? undefined : (...args: unknown[]) => call(operation, args),
    });
  }

  async stop(): Promise<void> {
    if (this.#lost !== undefined) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #call(call: Omit<Request, 'id'>): Promise<unknown> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    this.#lastId += 1;
    const request: Request = { id: this.#lastId, ...call };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(request), this.#limitMs);
      this.#pending.set(request.id, { resolve, reject, timer, line: this.#note(request) });
      this.#child.send(request);
    });
  }

  #note({ operation, args }: Request): number {
    const shown = args.map((arg) => showBriefly(arg));
    this.#trace.push(`${operation}(${shown.join(', ')})`);
    if (this.#trace.length > TRACE_LENGTH) this.#trace.shift();
    this.#lines += 1;
    return this.#lines;
  }

  #noteOutcome(line: number, outcome: string): void {
    const at = this.#trace.length - (this.#lines - line) - 1;
    const text = this.#trace[at];
    if (text !== undefined) this.#trace[at] = `${text} -> ${outcome}`;
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    this.#pending.delete(reply.id);
    clearTimeout(pending.timer);
    if ('code' in reply) {
      this.#noteOutcome(pending.line, reply.code);
      pending.reject(new OperationError(reply.code, reply.message));
    } else {
      this.#noteOutcome(pending.line, showBriefly(reply.result));
      pending.resolve(reply.result);
    }
  }

  #giveUp(request: Request): void {
    const where = describeProcess(this.pid);
    this.#lose(new OperatorLost(`${request.operation} took longer than ${this.#limitMs} ms\n${where}`));
    this.#onHang();
    this.#child.kill('SIGKILL');
  }

  #lose(error: OperatorLost): void {
    this.#lost ??= error;
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(this.#lost);
    }
    this.#pending.clear();
  }
}

export function showBriefly(value: unknown): string {
  const text = inspect(value, {
    depth: 3,
    breakLength: Infinity,
    compact: 5,
    maxStringLength: 60,
    maxArrayLength: 8,
  });
  return text.length > 240 ? `${text.slice(0, 240)}...` : text;
}

/** The code with which a call fails; `ok` when it does not. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    if (error instanceof OperationError) return error.code;
    throw error;
  }
}

/** What each thread of a process waits for in the kernel, but for idle ones. */
function describeProcess(pid: number): string {
  const lines: string[] = [];
  for (const thread of readNames(`/proc/${pid}/task`)) {
    const stack = readText(`/proc/${pid}/task/${thread}/stack`).trim();
    if (stack !== '' && !stack.includes('futex_wait')) lines.push(`thread ${thread} of ${pid}:\n${stack}`);
  }
  return lines.join('\n');
}

function readNames(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    return [`(${(error as Error).message})`];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return `(${(error as Error).message})`;
  }
}
