/**
 * One thread that answers calls, one after the other, and what waits for it. A thread that is held up longer than a call may take
 * (storage that hangs) is left behind, and the next call gets a new one.
 *
 * A thread ends by itself (thread-calls.ts): one that is terminated while it loads koffi takes the process with it.
 */

import { Worker } from 'node:worker_threads';
import { UserError } from '../../errno/user-error.js';

const MOST_WAITING = 200;

interface Waiting {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

interface AnswerMessage {
  readonly id: number;
  readonly reply?: unknown;
  readonly error?: { readonly message: string; readonly hint?: string };
}

const THREADS = {
  answers: new URL('../answer/answer-thread.js', import.meta.url),
  changes: new URL('../change/change-thread.js', import.meta.url),
};

interface AnswerThread {
  readonly worker: Worker;
  /** Whether it is to end before the next call: thread-calls.ts. */
  readonly words: Int32Array;
}

/** How long a thread may take to end before it counts as one that hangs. */
const END_LIMIT_MS = 2_000;

export class AnswerLane {
  readonly #root: string;
  readonly #thread: URL;
  readonly #limitMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #current: AnswerThread | undefined;
  #nextId = 1;

  /** @param root of the store. @param work which thread. */
  constructor(root: string, limitMs: number, work: keyof typeof THREADS = 'answers') {
    this.#thread = THREADS[work];
    this.#root = root;
    this.#limitMs = limitMs;
  }

  /** @throws UserError of the thread's, or when there is no answer in time. */
  ask(method: string, args: unknown): Promise<unknown> {
    if (this.#waiting.size >= MOST_WAITING)
      return Promise.reject(new UserError('too many questions wait for an answer'));
    const id = this.#nextId++;
    this.#current ??= this.#start();
    const thread = this.#current;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(thread), this.#limitMs);
      this.#waiting.set(id, { resolve, reject, timer });
      thread.worker.postMessage({ id, method, args });
    });
  }

  #start(): AnswerThread {
    const words = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(this.#thread, { workerData: { root: this.#root, words } });
    const thread = { worker, words };
    worker.on('message', (message: AnswerMessage) => this.#settle(message));
    worker.on('error', (error) => this.#end(thread, error));
    worker.on('exit', () => this.#end(thread, new UserError('the thread that answers has ended')));
    return thread;
  }

  #settle({ id, reply, error }: AnswerMessage): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(reply);
    else waiting.reject(new UserError(error.message, { hint: error.hint }));
  }

  #giveUp(thread: AnswerThread): void {
    this.#end(thread, new UserError(`no answer in ${Math.round(this.#limitMs / 1000)} s`));
    tellToEnd(thread);
    // One in a system call that hangs ends with the process.
    thread.worker.unref();
  }

  #end(thread: AnswerThread, error: Error): void {
    if (this.#current !== thread) return;
    this.#current = undefined;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiting.clear();
  }

  /** Waits for its thread, but not for one that hangs, which ends with the process. */
  async close(): Promise<void> {
    const thread = this.#current;
    if (thread === undefined) return;
    const ended = new Promise((resolve) => thread.worker.once('exit', resolve));
    this.#end(thread, new UserError('the page is no longer served'));
    tellToEnd(thread);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, END_LIMIT_MS);
    });
    await Promise.race([ended, late]);
    clearTimeout(timer);
    thread.worker.unref();
  }
}

/** After the call that it is at, and before those that wait. */
function tellToEnd({ worker, words }: AnswerThread): void {
  Atomics.store(words, 0, 1);
  worker.postMessage(undefined);
}
