/**
 * Tells the kernel to forget names, from a thread of its own: the kernel takes the lock of the directory for it, which
 * a process may hold that waits for an answer of the session, or of storage that hangs (design.md).
 */

import { Worker } from 'node:worker_threads';
import { UserError } from '../errno/user-error.js';
import type { Renewed } from './mount-report.js';

export interface NotifyOrder {
  readonly id: number;
  readonly renewed: readonly Renewed[];
}

export class Notifier {
  readonly #fuseFd: number;
  readonly #waiting = new Map<number, () => void>();
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
      this.#waiting.set(id, () => {
        clearTimeout(timer);
        resolve();
      });
      const order: NotifyOrder = { id, renewed };
      this.#thread().postMessage(order);
    });
  }

  close(): void {
    if (!this.isBusy) void this.#worker?.terminate();
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('./notify-worker.js', import.meta.url), {
      workerData: { fuseFd: this.#fuseFd },
    });
    worker.unref();
    worker.on('message', (id: number) => {
      this.#waiting.get(id)?.();
      this.#waiting.delete(id);
    });
    this.#worker = worker;
    return worker;
  }
}
