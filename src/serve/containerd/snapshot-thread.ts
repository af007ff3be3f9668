/**
 * Walks through whole trees in a thread: how much is in one, and its removal. The server answers meanwhile. The thread starts with the
 * first walk (0.1 s) and stays, since an image has many layers; a removal does not hold up a walk that is asked for while it lasts.
 */

import { Worker } from 'node:worker_threads';
import type { SnapshotUsage } from './snapshot-record.js';

export interface TreeOrder {
  readonly id: number;
  readonly do: 'measure' | 'delete';
  /** Absolute. */
  readonly path: string;
}

export interface TreeAnswer {
  readonly id: number;
  /** Undefined: it failed. */
  readonly usage?: SnapshotUsage;
  readonly failure?: string;
}

interface Waiting {
  readonly resolve: (usage: SnapshotUsage) => void;
  readonly reject: (error: Error) => void;
}

class TreeThread {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  ask(kind: TreeOrder['do'], path: string): Promise<SnapshotUsage> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, do: kind, path } satisfies TreeOrder);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./snapshot-thread-main.js', import.meta.url));
    worker.on('message', ({ id, usage, failure }: TreeAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      // Idle, it does not keep the process.
      if (this.#waiting.size === 0) worker.unref();
      if (usage === undefined) waiting?.reject(new Error(failure));
      else waiting?.resolve(usage);
    });
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', (code) => this.#fail(new Error(`the thread ended with ${code}`)));
    return worker;
  }

  /** The next order starts another. */
  #fail(error: Error): void {
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

const measuring = new TreeThread();
const deleting = new TreeThread();

/** @throws Error of the file system. */
export async function measureInThread(path: string): Promise<SnapshotUsage> {
  return await measuring.ask('measure', path);
}

/** @throws Error of the file system. */
export async function deleteInThread(path: string): Promise<void> {
  await deleting.ask('delete', path);
}
