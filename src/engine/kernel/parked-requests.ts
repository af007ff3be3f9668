/**
 * The requests that wait for a job, and which of their callers are to be let go of.
 *
 * A caller that got a signal waits for the outcome, as on a local disk; one that is about to end is answered EINTR. The
 * kernel says only once that a request was interrupted, for any signal, so callers of such requests are looked at again
 * every `LOOK_MS`, and nothing is done when there is none.
 * INVARIANT: a request is here until it is taken, by `takeReady()` or `takeEnding()`.
 */

import { FUSE_UNIQUE_RESEND_HIGH } from '../../fuse/abi-flags.js';
import type { RequestHeader, RequestView } from '../../fuse/request.js';
import { type Fate, fateOf } from '../../linux/caller-fate.js';
import type { Job } from '../../vfs/wait.js';

/** How long a process that was killed may wait for us. */
export const LOOK_MS = 50;

export interface ParkedRequest {
  job: Job;
  readonly uniqueLow: number;
  readonly uniqueHigh: number;
  /** The caller's thread. */
  readonly taskId: number;
  /** Copy of the request. */
  readonly bytes: Buffer;
  isInterrupted: boolean;
}

export class ParkedRequests {
  readonly #fateOf: (taskId: number) => Fate;
  #parked: ParkedRequest[] = [];
  #interrupted = 0;
  #lookAtMs = 0;

  constructor(fate: (taskId: number) => Fate = fateOf) {
    this.#fateOf = fate;
  }

  /** Keeps a copy of the request until `job` is done. */
  park(job: Job, request: RequestView, header: RequestHeader): void {
    this.#parked.push({
      job,
      uniqueLow: header.uniqueLow,
      uniqueHigh: header.uniqueHigh,
      taskId: header.pid,
      bytes: Buffer.from(request.bytes.subarray(0, header.len)),
      isInterrupted: false,
    });
  }

  /** The same for one that was taken when it was ready, and has to wait again. */
  parkAgain(parked: ParkedRequest, job: Job): void {
    parked.job = job;
    if (parked.isInterrupted) this.#interrupted++;
    this.#parked.push(parked);
  }

  /** Notes that the caller of a request got a signal. The request may be answered already. */
  interrupt(uniqueLow: number, uniqueHigh: number): void {
    const found = this.#parked.find(
      (one) =>
        one.uniqueLow === uniqueLow && ((one.uniqueHigh ^ uniqueHigh) & ~FUSE_UNIQUE_RESEND_HIGH) === 0,
    );
    if (found === undefined || found.isInterrupted) return;
    found.isInterrupted = true;
    this.#interrupted++;
    this.#lookAtMs = 0;
  }

  /** Takes those whose job is done. */
  takeReady(): readonly ParkedRequest[] {
    return this.#take(({ job }) => job.done);
  }

  /** Takes those whose callers are about to end, if it is time to look. */
  takeEnding(): readonly ParkedRequest[] {
    if (this.#interrupted === 0) return [];
    const nowMs = performance.now();
    if (nowMs < this.#lookAtMs) return [];
    this.#lookAtMs = nowMs + LOOK_MS;
    return this.#take((one) => one.isInterrupted && this.#fateOf(one.taskId) === 'ending');
  }

  /** In how many milliseconds callers have to be looked at; -1 for never. */
  get dueMs(): number {
    return this.#interrupted === 0 ? -1 : Math.max(0, Math.ceil(this.#lookAtMs - performance.now()));
  }

  #take(isWanted: (one: ParkedRequest) => boolean): readonly ParkedRequest[] {
    const taken = this.#parked.filter(isWanted);
    if (taken.length === 0) return taken;
    this.#parked = this.#parked.filter((one) => !taken.includes(one));
    for (const { isInterrupted } of taken) if (isInterrupted) this.#interrupted--;
    return taken;
  }
}
