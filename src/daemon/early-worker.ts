/**
 * The session's worker thread, started before it is known what it will serve: it loads its modules while the main thread
 * loads its own and checks the order. It waits for its configuration without an event loop that turns.
 */

import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './worker-messages.js';

export interface WaitingWorker {
  readonly worker: Worker;
  /** Gives it what it waits for. */
  configure(message: ToWorker): void;
}

export interface WorkerEvents {
  onMessage(message: FromWorker): void;
  onError(error: unknown): void;
  onExit(code: number): void;
}

let early: WaitingWorker | undefined;
/** What ended the early one before anybody listened. */
let earlyError: unknown;

export function startEarlyWorker(): void {
  early = startWorker();
  early.worker.once('error', (error) => {
    earlyError = error;
  });
}

/** The early one, or a new one. */
export function takeWorker(events: WorkerEvents): WaitingWorker {
  const taken = early ?? startWorker();
  early = undefined;
  taken.worker.on('message', events.onMessage).on('error', events.onError).on('exit', events.onExit);
  if (earlyError !== undefined) events.onError(earlyError);
  return taken;
}

/** The mount is served otherwise. */
export async function dropEarlyWorker(): Promise<void> {
  await early?.worker.terminate();
  early = undefined;
}

function startWorker(): WaitingWorker {
  const configured = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./session-worker.js', import.meta.url), { workerData: { configured } });
  return {
    worker,
    configure: (message) => {
      worker.postMessage(message);
      Atomics.store(configured, 0, 1);
      Atomics.notify(configured, 0);
    },
  };
}
