/**
 * A lane of long work: helper threads, which start with the first job, and their shared slots.
 *
 * INVARIANT: a job is in `#running` from the time its slot was filled until `collect` found it done.
 * INVARIANT: a job that no helper can take fails, with EIO or what keeps helpers from starting: whoever waits for it would wait for ever.
 */

import { writeSync } from 'node:fs';
import { EIO } from '../../errno/errno.js';
import { FsError } from '../../errno/fs-error.js';
import { reasonOf } from '../../errno/reason.js';
import { eventfdWrite } from '../../linux/io/poll.js';
import type { Job, JobSpec } from '../../vfs/wait.js';
import { startKeptThread } from '../threads/start-kept-thread.js';
import { encodeSpec } from './job-records.js';
import {
  DONE,
  HELPERS_FAILED,
  HELPERS_LEFT,
  JOB_DOORBELL,
  JOB_FREE,
  JOB_QUEUED,
  JOB_SLOT_COUNT,
  JOB_WORKER,
  makeSlots,
  RESULT,
  STATE,
  STOP,
  slotAt,
} from './job-slots.js';
import { dropJob } from './job-work.js';

class RunningJob implements Job {
  readonly spec: JobSpec;
  onDone: (() => void) | undefined;
  done = false;
  result = 0;
  constructor(spec: JobSpec) {
    this.spec = spec;
  }
}

interface LaneOptions {
  /** How many there are at most. */
  readonly helpers: number;
  /** How long one waits for the next job before it ends; by default as long as the lane is. */
  readonly idleMs?: number;
}

export class JobLane {
  readonly #wakeFd: number;
  readonly #slots = makeSlots();
  readonly #running = new Map<number, RunningJob>();
  readonly #waiting: RunningJob[] = [];
  readonly #options: LaneOptions;
  /** Started, less those that could not and those that have left. */
  #helpers = 0;
  /** Why none can start. */
  #failure = EIO;

  /** @param wakeFd eventfd that is written when a job is done. */
  constructor(wakeFd: number, options: LaneOptions) {
    this.#wakeFd = wakeFd;
    this.#options = options;
  }

  start(spec: JobSpec): Job {
    const job = new RunningJob(spec);
    this.#waiting.push(job);
    this.#fillSlots();
    return job;
  }

  get busy(): boolean {
    return this.#running.size > 0;
  }

  /** Marks the jobs that are done. @returns whether one was. */
  collect(): boolean {
    this.#forgetFailed();
    let any = false;
    const finished: RunningJob[] = [];
    for (const [index, job] of this.#running) {
      const slot = slotAt(index);
      if (Atomics.load(this.#slots, slot + STATE) !== DONE) continue;
      job.result = this.#slots[slot + RESULT]!;
      job.done = true;
      this.#running.delete(index);
      if (job.onDone !== undefined) finished.push(job);
      Atomics.store(this.#slots, slot + STATE, JOB_FREE);
      any = true;
    }
    if (any) this.#fillSlots();
    for (const job of finished) job.onDone?.();
    return any;
  }

  /** Lets the helpers end when what they are doing is done. */
  stop(): void {
    // Nobody would take them any more.
    for (const { spec } of this.#waiting.splice(0)) dropJob(spec);
    Atomics.store(this.#slots, STOP, 1);
    Atomics.add(this.#slots, JOB_DOORBELL, 1);
    Atomics.notify(this.#slots, JOB_DOORBELL);
  }

  #startHelper(): void {
    const [slots, wakeFd] = [this.#slots, this.#wakeFd];
    try {
      const { idleMs = Number.POSITIVE_INFINITY } = this.#options;
      const worker = startKeptThread(JOB_WORKER, {
        workerData: { slots: slots.buffer, wakeFd, idleMs },
        failed: { words: slots, index: HELPERS_FAILED, wakeFd },
      });
      worker.unref();
      this.#helpers++;
      this.#failure = EIO;
    } catch (error) {
      if (error instanceof FsError) this.#failure = error.errno;
      writeSync(2, `${new Date().toISOString()} a thread cannot start: ${reasonOf(error)}\n`);
      eventfdWrite(wakeFd);
    }
  }

  /** Those that could not start have said why. Without any helper what waits fails; the next job has one started again. */
  #forgetFailed(): void {
    this.#helpers -= Atomics.exchange(this.#slots, HELPERS_FAILED, 0);
    if (this.#helpers > 0) return;
    for (const [index, { spec }] of this.#running) {
      const slot = slotAt(index);
      if (Atomics.compareExchange(this.#slots, slot + STATE, JOB_QUEUED, DONE) !== JOB_QUEUED) continue;
      dropJob(spec);
      this.#slots[slot + RESULT] = -this.#failure;
    }
  }

  #fillSlots(): void {
    for (let index = 0; index < JOB_SLOT_COUNT && this.#waiting.length > 0; index++) {
      if (this.#running.has(index)) continue;
      const job = this.#waiting.shift()!;
      this.#running.set(index, job);
      this.#write(index, job.spec);
      this.#helpers -= Atomics.exchange(this.#slots, HELPERS_LEFT, 0);
      // Each is some 8 MiB: there are as many as had work at once.
      if (this.#helpers < Math.min(this.#running.size, this.#options.helpers)) this.#startHelper();
      Atomics.add(this.#slots, JOB_DOORBELL, 1);
      Atomics.notify(this.#slots, JOB_DOORBELL, 1);
    }
  }

  #write(index: number, spec: JobSpec): void {
    const slot = slotAt(index);
    encodeSpec(this.#slots, index, spec);
    Atomics.store(this.#slots, slot + STATE, JOB_QUEUED);
  }
}
