/**
 * Tells the kernel to forget names, from a thread of its own: the kernel takes the lock of the directory for it, which
 * a process may hold that waits for an answer of the session, or of storage that hangs (design.md).
 */

import type { Worker } from 'node:worker_threads';
import { startKeptThread } from '../../engine/threads/start-kept-thread.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import type { Renewed } from '../messages/mount-report.js';
import { NOTIFY_WORKER } from './thread-entries.js';

export interface NotifyRequest {
  readonly id: number;
  readonly renewed: readonly Renewed[];
}

export class Notifier {
  readonly #fuseFd: number;
  readonly #waiting = new Map<number, (error?: UserError) => void>();
  #worker: Worker | undefined;
  #nextId = 1;

  constructor(fuseFd: number) {
    this.#fuseFd = fuseFd;
  }

  /** Whether the thread hangs in the kernel, or is at work. */
  get isBusy(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Resolves when nobody sees the old names any more.
   * @throws UserError when that takes longer than `limitMs`; it goes on all the same.
   */
  forget(renewed: readonly Renewed[], limitMs: number): Promise<void> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new UserError(`the kernel has not taken the change in ${limitMs} ms: the directory is in use`, {
              hint: 'the change holds; the old names may show for a while',
            }),
          ),
        limitMs,
      );
      this.#waiting.set(id, (error) => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      });
      const order: NotifyRequest = { id, renewed };
      try {
        this.#thread().postMessage(order);
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  /** The thread ends by itself when it is idle: one that is terminated while it loads koffi takes the process with it. */
  close(): void {
    this.#worker?.postMessage(undefined);
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = startKeptThread(NOTIFY_WORKER, { workerData: { fuseFd: this.#fuseFd } });
    worker.unref();
    worker.on('message', (id: number) => {
      this.#waiting.get(id)?.();
      this.#waiting.delete(id);
    });
    worker.on('error', (error) => this.#fail(error));
    this.#worker = worker;
    return worker;
  }

  /** The next order has a thread started again. */
  #fail(error: unknown): void {
    this.#worker = undefined;
    const reason = `the thread that tells the kernel cannot start: ${reasonOf(error)}`;
    const told = new UserError(reason, { hint: 'the change holds; the old names may show for a while' });
    for (const end of this.#waiting.values()) end(told);
    this.#waiting.clear();
  }
}
