/**
 * The serving threads of this process, from its main thread: as few as do, each for many sessions. A new session goes to
 * the one with the fewest, of those that answer and touch the same disks.
 *
 * A thread that hangs in a system call cannot be ended, and what it serves cannot be taken over: its sessions wait with it. It
 * gets no further ones, the others go on, and it goes with the process. So mounts on different disks have different threads,
 * as long as there are few: a disk that does not answer is no matter of the mounts that do not touch it.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { JOB_WORKER } from '../../engine/jobs/job-slots.js';
import { readMountinfo } from '../../engine/kernel/attach-mountinfo.js';
import { adoptCode, type KeptCode, readCode } from '../../engine/threads/kept-code.js';
import { startKeptThread } from '../../engine/threads/start-kept-thread.js';
import { check } from '../../errno/fs-error.js';
import { EFD_NONBLOCK } from '../../linux/constants.js';
import { eventfd, eventfdWrite } from '../../linux/io/poll.js';
import { disksOf } from '../config/disks-of-mount.js';
import type { MountConfig } from '../config/mount-config.js';
import { MESSAGES, TASK_ID, TURN, WAKE_FD, WATCHED } from '../messages/thread-words.js';
import type { FromThread, ToThread, ToWorker } from '../messages/worker-messages.js';
import { THREAD_MEMORY, takeThread } from './early-thread.js';
import type { ServerEvents, SessionServer } from './session.js';
import { startSpinner } from './spinner.js';
import { NOTIFY_WORKER, REMOTE_WORKER, SESSION_WORKER } from './thread-entries.js';

/** For the same disks: more than a machine's storage takes, and each costs some 12 MiB. */
const MOST_ALIKE = 4;
/** Beyond it mounts on different disks share threads. */
const MOST_THREADS = 12;
/** Sessions that the least busy thread has when the next thread begins to load. */
const ENOUGH_SESSIONS = 4;
/** A thread that has not looked at its messages for so long serves nobody. */
const STUCK_MS = 1_000;

/** Whether a thread goes on: messages/thread-words.ts. */
export interface ThreadPulse {
  readonly taskId: number;
  readonly turn: number;
}

const threads = new Set<ServingThread>();
let lastId = 0;
let code: KeptCode | undefined;
let noteWork: () => void = () => undefined;

/**
 * Reads the code of all threads that may start later, once, when a mount stands: from then on nothing of the package is loaded, which
 * may be removed or replaced under the mount.
 */
export function keepThreadCode(): void {
  if (code !== undefined) return;
  code = readCode([SESSION_WORKER, JOB_WORKER, NOTIFY_WORKER, REMOTE_WORKER]);
  adoptCode(code);
  for (const thread of threads) thread.keep(code);
}

export function startSessionThread(config: MountConfig, events: ServerEvents): SessionServer {
  const disks = disksOf(config, readMountinfo());
  const answering = [...threads].filter((thread) => !thread.isStuck);
  const alike = answering.filter((thread) => thread.size === 0 || thread.disks === disks);
  const isFull = threads.size >= MOST_THREADS;
  const thread = leastBusy(alike) ?? (isFull ? leastBusy(answering) : undefined) ?? newThread();
  const most = Math.min(MOST_ALIKE, availableParallelism());
  if (thread.size >= ENOUGH_SESSIONS && alike.length < most && !isFull) newThread();
  return thread.serve(config, disks, events);
}

/** What the threads are at that have begun. */
export function threadPulses(): ThreadPulse[] {
  return [...threads].map((thread) => thread.pulse).filter(({ taskId }) => taskId > 0);
}

/** `note` is called when a thread begins, and when one has something to do after `restUntilWork()`. */
export function whenThreadsWork(note: () => void): void {
  noteWork = note;
}

/** Nobody looks at the threads until one has something to do. */
export function restUntilWork(): void {
  for (const thread of threads) thread.tellWork(() => noteWork());
}

function leastBusy(among: readonly ServingThread[]): ServingThread | undefined {
  const fewest = Math.min(...among.map(({ size }) => size));
  return among.find(({ size }) => size === fewest);
}

function newThread(): ServingThread {
  const thread = new ServingThread();
  threads.add(thread);
  noteWork();
  return thread;
}

/** Ends all threads, which serve nobody any more. @returns false when one hangs. */
export async function stopServingThreads(limitMs: number): Promise<boolean> {
  const ends = Promise.all([...threads].map((thread) => thread.leave()));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const areOver = await Promise.race([ends.then(() => true), late]);
  clearTimeout(timer);
  return areOver;
}

class ServingThread {
  readonly #worker: Worker;
  readonly #words: Int32Array;
  readonly #sessions = new Map<number, ServerEvents>();
  readonly #ended: Promise<void>;
  #disks = '';
  #error: Error | undefined;
  #wakeFd = -1;
  #posted = 0;
  #postedAtMs = 0;
  #log: (line: string) => void = () => undefined;

  constructor() {
    const { worker, words, error } = takeThread((workerData) => {
      const resourceLimits = THREAD_MEMORY;
      if (code === undefined) return new Worker(SESSION_WORKER, { workerData, resourceLimits });
      return startKeptThread(SESSION_WORKER, { workerData: { ...workerData, code }, resourceLimits });
    });
    this.#worker = worker;
    this.#words = words;
    worker.on('message', ({ session, message }: FromThread) => this.#receive(session, message));
    this.#ended = new Promise((resolve) => {
      worker.on('error', (reason) => this.#fail(asError(reason)));
      worker.on('exit', (code) => {
        this.#fail(new Error(`the session worker ended with status ${code}`));
        resolve();
      });
    });
    this.#error = error === undefined ? undefined : asError(error);
  }

  get pulse(): ThreadPulse {
    return { taskId: Atomics.load(this.#words, TASK_ID), turn: Atomics.load(this.#words, TURN) };
  }

  /** Calls when the thread has something to do, once. */
  tellWork(note: () => void): void {
    Atomics.store(this.#words, WATCHED, 0);
    const { async, value } = Atomics.waitAsync(this.#words, WATCHED, 0);
    if (async) void value.then(note);
    else note();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Those of its sessions: disksOf(), or `several`. */
  get disks(): string {
    return this.#disks;
  }

  /** Whether a message has lain there for too long; while it loads nothing is known. */
  get isStuck(): boolean {
    const seen = Atomics.load(this.#words, MESSAGES);
    return seen > 0 && seen < this.#posted && performance.now() - this.#postedAtMs > STUCK_MS;
  }

  serve(config: MountConfig, disks: string, events: ServerEvents): SessionServer {
    const session = ++lastId;
    this.#disks = this.size === 0 || this.#disks === disks ? disks : 'several';
    this.#sessions.set(session, events);
    this.#log = events.onLog;
    if (this.#error !== undefined) events.onEnd(this.#error);
    this.#post({ session, message: { kind: 'config', config } });
    return {
      post: (message: ToWorker) => this.#post({ session, message }),
      // A thread blocked in a foreign call can be neither joined nor terminated.
      kill: () => false,
    };
  }

  keep(given: KeptCode): void {
    this.#post({ session: 0, message: { kind: 'code', code: given } });
  }

  leave(): Promise<void> {
    this.#post({ session: 0, message: { kind: 'leave' } });
    return this.#ended;
  }

  #post(message: ToThread): void {
    if (this.#wakeFd < 0) {
      this.#wakeFd = check(eventfd(0, EFD_NONBLOCK), 'eventfd');
      Atomics.store(this.#words, WAKE_FD, this.#wakeFd);
      Atomics.notify(this.#words, WAKE_FD);
    }
    const isFirstUnseen = Atomics.load(this.#words, MESSAGES) === this.#posted;
    if (isFirstUnseen) this.#postedAtMs = performance.now();
    this.#posted++;
    this.#worker.postMessage(message);
    check(eventfdWrite(this.#wakeFd), 'eventfd');
  }

  #receive(session: number, message: FromThread['message']): void {
    if (message.kind === 'burst') {
      startSpinner(message.readFd, this.#log);
      return;
    }
    const events = this.#sessions.get(session);
    if (message.kind === 'ended' || message.kind === 'failed') this.#sessions.delete(session);
    events?.onMessage(message);
  }

  #fail(error: Error): void {
    this.#error = error;
    threads.delete(this);
    const all = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const events of all) events.onEnd(error);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
