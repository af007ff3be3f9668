/**
 * Runs long work in helper threads, which start with the first job.
 *
 * INVARIANT: a job is in `#running` from the time its slot was filled until `collect` found it done.
 */

import { Worker } from 'node:worker_threads';
import type { Job, JobSpec } from '../../vfs/wait.js';
import {
  DONE,
  DOORBELL,
  FREE,
  KIND,
  KIND_COPY,
  KIND_FSYNC,
  KIND_READ,
  makeSlots,
  OPTION,
  QUEUED,
  RESULT,
  SIZE_HIGH,
  SIZE_LOW,
  SLOT_COUNT,
  SOURCE,
  STATE,
  STOP,
  slotAt,
  TARGET,
} from './job-slots.js';

/** Two, so that a sync does not wait for a long copy. */
const HELPERS = 2;

class RunningJob implements Job {
  readonly spec: JobSpec;
  done = false;
  result = 0;
  constructor(spec: JobSpec) {
    this.spec = spec;
  }
}

export class JobRunner {
  readonly #wakeFd: number;
  readonly #slots = makeSlots();
  readonly #running = new Map<number, RunningJob>();
  readonly #waiting: RunningJob[] = [];
  #helpers: Worker[] = [];

  /** @param wakeFd eventfd that is written when a job is done. */
  constructor(wakeFd: number) {
    this.#wakeFd = wakeFd;
  }

  start(spec: JobSpec): Job {
    if (this.#helpers.length === 0) this.#startHelpers();
    const job = new RunningJob(spec);
    this.#waiting.push(job);
    this.#fillSlots();
    return job;
  }

  get busy(): boolean {
    return this.#running.size > 0;
  }

  /** Marks the jobs that are done. @returns whether there was any. */
  collect(): boolean {
    let any = false;
    for (const [index, job] of this.#running) {
      const slot = slotAt(index);
      if (Atomics.load(this.#slots, slot + STATE) !== DONE) continue;
      job.result = this.#slots[slot + RESULT]!;
      job.done = true;
      this.#running.delete(index);
      Atomics.store(this.#slots, slot + STATE, FREE);
      any = true;
    }
    if (any) this.#fillSlots();
    return any;
  }

  /** Lets the helpers end when what they are doing is done. */
  stop(): void {
    Atomics.store(this.#slots, STOP, 1);
    Atomics.add(this.#slots, DOORBELL, 1);
    Atomics.notify(this.#slots, DOORBELL);
    this.#helpers = [];
  }

  #startHelpers(): void {
    const url = new URL('./job-worker.js', import.meta.url);
    for (let i = 0; i < HELPERS; i++) {
      const worker = new Worker(url, { workerData: { slots: this.#slots.buffer, wakeFd: this.#wakeFd } });
      worker.unref();
      this.#helpers.push(worker);
    }
  }

  #fillSlots(): void {
    for (let index = 0; index < SLOT_COUNT && this.#waiting.length > 0; index++) {
      if (this.#running.has(index)) continue;
      const job = this.#waiting.shift()!;
      this.#running.set(index, job);
      this.#write(slotAt(index), job.spec);
      Atomics.add(this.#slots, DOORBELL, 1);
      Atomics.notify(this.#slots, DOORBELL, 1);
    }
  }

  #write(slot: number, spec: JobSpec): void {
    const words = this.#slots;
    if (spec.kind === 'copy') {
      words[slot + KIND] = KIND_COPY;
      words[slot + SOURCE] = spec.source;
      words[slot + TARGET] = spec.target;
      words[slot + SIZE_LOW] = spec.sizeBytes >>> 0;
      words[slot + SIZE_HIGH] = Math.floor(spec.sizeBytes / 2 ** 32);
      words[slot + OPTION] = spec.durable ? 1 : 0;
    } else if (spec.kind === 'read') {
      words[slot + KIND] = KIND_READ;
      words[slot + SOURCE] = spec.fd;
      words[slot + SIZE_LOW] = spec.offset >>> 0;
      words[slot + SIZE_HIGH] = Math.floor(spec.offset / 2 ** 32);
      words[slot + OPTION] = spec.length;
    } else {
      words[slot + KIND] = KIND_FSYNC;
      words[slot + SOURCE] = spec.fd;
      words[slot + OPTION] = spec.dataOnly ? 1 : 0;
    }
    Atomics.store(words, slot + STATE, QUEUED);
  }
}
