/**
 * Runs operations of the file system and answers each exactly once: at once, or when the job that it waits for is done.
 *
 * A thread of libfuse sleeps until its callback is called, and for ever when it is not; a second call would free memory
 * that the next request uses. Here an operation is a function that returns a value or throws, and only `#attempt` calls
 * back. INVARIANT: a request is answered, or in `#parked`; `Session.replaying` is true only while one is run again.
 */

import { read } from 'node:fs';
import { ESTALE } from '../../errno/errno.js';
import { check, isErrno } from '../../errno/fs-error.js';
import { eventfd } from '../../linux/io/poll.js';
import type { FileSystem, Session } from '../../vfs/file-system.js';
import { type Job, type JobSpec, Wait } from '../../vfs/wait.js';
import { Failures } from '../failures.js';
import { JobRunner } from '../jobs/job-runner.js';
import type { PathTree } from './path-tree.js';

/** Called once: 0 and the value, or a negated errno. */
type Reply<T> = (status: number, value?: T) => void;

/** What is asked for, and where. */
export interface AskedOperation {
  readonly op: string;
  /** Within the mount, with a leading slash, as the package has it. */
  readonly path: string;
}

interface Request extends AskedOperation {
  readonly attempt: () => unknown;
  readonly reply: Reply<never>;
}

interface Parked {
  readonly job: Job;
  readonly request: Request;
}

interface AnswersOptions {
  readonly fs: FileSystem;
  readonly tree: PathTree;
  readonly log: (line: string) => void;
  /** One line for each request. */
  readonly debug: boolean;
  /** Told of each request that fails. @param errno positive. */
  readonly failed?: (errno: number, asked: AskedOperation) => void;
}

/** The session that the file system sees: no passthrough, since libfuse 2 knows none. */
export class Answers implements Session {
  readonly passthrough = false;
  readonly caller = undefined;
  replaying = false;
  awaited: Job | undefined;
  readonly #options: AnswersOptions;
  readonly #failures: Failures;
  readonly #counts = new Map<string, number>();
  /** Blocking, so that a thread of libuv's pool can wait for it while something is parked. */
  readonly #wakeFd = check(eventfd(0, 0), 'eventfd');
  readonly #jobs = new JobRunner(this.#wakeFd);
  #parked: Parked[] = [];
  #isWaiting = false;

  constructor(options: AnswersOptions) {
    this.#options = options;
    this.#failures = new Failures(options.log);
  }

  openBacking(): number {
    throw new Error('a backing file was opened, though the session has no passthrough');
  }

  closeBacking(): void {
    throw new Error('a backing file was closed, though the session has no passthrough');
  }

  pruneNodes(): boolean {
    return false;
  }

  readonly storeRoom = undefined;

  storeData(): boolean {
    return false;
  }

  invalidateAttributes(): void {
    // AskedOperation for after a file with backed opens was copied up: without passthrough there is none.
  }

  invalidateListing(): void {
    // libfuse 2.9 asks for a listing at each opendir.
  }

  startJob(spec: JobSpec): Job {
    return this.#jobs.start(spec);
  }

  /** Runs `attempt` and answers; `attempt` does nothing irrevocable before it throws Wait. */
  answer<T>({ op, path }: AskedOperation, attempt: () => T, reply: Reply<T>): void {
    this.#counts.set(op, (this.#counts.get(op) ?? 0) + 1);
    if (this.#parked.length === 0) this.#options.tree.sweep();
    this.#attempt({ op, path, attempt, reply: reply as Reply<never> });
  }

  /** Requests so far, by operation. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** Lets the helper threads end. What is parked stays unanswered: the mount is gone. */
  stop(): void {
    this.#jobs.stop();
  }

  #attempt(request: Request): void {
    const started = this.#options.debug ? process.hrtime.bigint() : 0n;
    let status = 0;
    let value: unknown;
    try {
      value = this.#tryTwice(request.attempt);
    } catch (error) {
      if (error instanceof Wait) {
        this.#park({ job: error.job, request });
        return;
      }
      status = -this.#failures.errnoOf(request.op, error);
      this.#options.failed?.(-status, request);
    }
    (request.reply as Reply<unknown>)(status, value);
    if (this.#options.debug) this.#trace(request.op, status, started);
  }

  /** ESTALE asks to look the names up again, as the kernel would. */
  #tryTwice(attempt: () => unknown): unknown {
    try {
      return attempt();
    } catch (error) {
      if (!isErrno(error, ESTALE)) throw error;
      this.#options.tree.sweep({ all: true });
      return attempt();
    }
  }

  #park(parked: Parked): void {
    this.#parked.push(parked);
    this.#options.tree.parked(this.#parked.length);
    this.#awaitJobs();
  }

  #awaitJobs(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    read(this.#wakeFd, Buffer.alloc(8), 0, 8, null, (error) => {
      this.#isWaiting = false;
      if (error) this.#failures.log('waiting for a job', error);
      this.#replayFinished();
      if (this.#parked.length > 0) this.#awaitJobs();
    });
  }

  #replayFinished(): void {
    if (!this.#jobs.collect()) return;
    const ready = this.#parked.filter(({ job }) => job.done);
    this.#parked = this.#parked.filter(({ job }) => !job.done);
    for (const { request, job } of ready) {
      this.replaying = true;
      this.awaited = job;
      this.#attempt(request);
      this.replaying = false;
      this.awaited = undefined;
    }
    this.#options.tree.parked(this.#parked.length);
  }

  #trace(op: string, status: number, started: bigint): void {
    const us = Number(process.hrtime.bigint() - started) / 1000;
    this.#options.log(`${op}: ${status < 0 ? `errno ${-status}` : 'ok'}, ${us.toFixed(1)} us`);
  }
}
