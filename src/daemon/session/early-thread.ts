/**
 * A serving thread's worker, started before it is known what it will serve: it loads its modules while the main thread loads
 * its own and checks the order. This file loads next to nothing itself. It waits without an event loop that turns. Threads that come
 * later start from the code that serving-threads.ts keeps.
 */

import { type ResourceLimits, Worker } from 'node:worker_threads';
import { NOTHING_TO_SERVE, THREAD_WORDS, WAKE_FD } from '../messages/thread-words.js';
import type { ThreadStart } from '../messages/worker-messages.js';
import { SESSION_WORKER } from './thread-entries.js';

/**
 * A serving thread makes little that does not stay, or names that do: a small place for what is new costs it no time that shows, and what
 * V8 has once taken for it it does not give back. 300,000 names known: 134 MiB of the daemon, 175 with the 48 MiB that V8 has by default; when
 * they were forgotten 100, and 151. The limit of what stays is V8's own.
 */
export const THREAD_MEMORY: ResourceLimits = { maxYoungGenerationSizeMb: 6 };

interface StartedThread extends ThreadStart {
  readonly worker: Worker;
  /** What ended it before anybody listened. */
  readonly error?: unknown;
}

type StartWorker = (workerData: ThreadStart) => Worker;

let early: StartedThread | undefined;

export function startEarlyThread(): void {
  early = startThread(fromFile);
}

/** The early one, or a new one. */
export function takeThread(start: StartWorker = fromFile): StartedThread {
  const taken = early ?? startThread(start);
  early = undefined;
  return taken;
}

/**
 * The mount is served otherwise, or not at all. The thread ends by itself when it has loaded: one that is terminated while it loads
 * koffi takes the process with it.
 */
export async function dropEarlyThread(): Promise<void> {
  const dropped = early;
  early = undefined;
  if (dropped === undefined || dropped.worker.threadId < 0) return;
  const ended = new Promise((resolve) => dropped.worker.once('exit', resolve));
  Atomics.store(dropped.words, WAKE_FD, NOTHING_TO_SERVE);
  Atomics.notify(dropped.words, WAKE_FD);
  await ended;
}

function fromFile(workerData: ThreadStart): Worker {
  return new Worker(SESSION_WORKER, { workerData, resourceLimits: THREAD_MEMORY });
}

function startThread(start: StartWorker): StartedThread {
  const workerData: ThreadStart = { words: new Int32Array(new SharedArrayBuffer(4 * THREAD_WORDS)) };
  const worker = start(workerData);
  const started: { error?: unknown } & StartedThread = { ...workerData, worker };
  worker.once('error', (error) => {
    started.error = error;
  });
  return started;
}
