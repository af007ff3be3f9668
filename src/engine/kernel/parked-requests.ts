/**
 * The requests that wait for a job, and which of their callers are to be let go of.
 *
 * A caller that got a signal waits for the outcome, as on a local disk; one that is about to end is answered EINTR. The
 * kernel says only once that a request was interrupted, for any signal, so callers of such requests are looked at again
 * every `CHECK_MS`, and nothing is done when there is none.
 *
 * What large requests carry, writes of 1 MiB say, is kept up to a limit for each user and for all. The rest stays with the kernel, which has it in
 * the callers' memory until the answer comes: it is asked for all that is not answered once more (FUSE_NOTIFY_RESEND)
 * when such a request is due. That is told apart by a bit of its unique, which the answer repeats.
 * INVARIANT: a request is here until it is taken, by `takeReady()`, `takeEnding()` or `takeResent()`. Between
 * `beginResend()` and `endResend()` none is answered but what comes again: the kernel does not know it before.
 */

import { SIZEOF_IN_HEADER } from '../../fuse/abi/abi.js';
import { FUSE_UNIQUE_RESEND_HIGH } from '../../fuse/abi/abi-flags.js';
import type { RequestHeader, RequestView } from '../../fuse/messages/request.js';
import { type Fate, fateOf } from '../../linux/process/caller-fate.js';
import type { Job } from '../../vfs/wait.js';

/** How long a process that was killed may wait for us. */
export const CHECK_MS = 50;
/** Callers that are looked at, and requests that are taken up again, at once: each costs some 30 us. */
const AT_ONCE = 64;
const NEXT_CHECK_MS = 10;
/** What is kept of large requests, of one user and of all, and from where on they are large. */
const MOST_OF_USER_BYTES = 8 * 1024 * 1024;
const MOST_KEPT_BYTES = 64 * 1024 * 1024;
const SMALL_BYTES = 8192;
/** The share of the thread's time for requests that come again because of one that is due. */
const SHARE_FOR_RESENT = 0.2;

export interface ParkedRequest {
  job: Job;
  readonly uniqueLow: number;
  uniqueHigh: number;
  /** The caller's thread, and user. */
  readonly taskId: number;
  readonly uid: number;
  /** When it began to wait, as performance.now() has it. */
  readonly sinceMs: number;
  /** Copy of the request; undefined where the kernel is to send it again. */
  bytes: Buffer | undefined;
  isInterrupted: boolean;
}

export class ParkedRequests {
  readonly #fateOf: (taskId: number) => Fate;
  #parked: ParkedRequest[] = [];
  #interrupted = 0;
  #checkAtMs = 0;
  #lastChecked = 0;
  #mayLeave = false;
  readonly #keptOf = new Map<number, number>();
  #keptBytes = 0;
  /** How many are left with the kernel. */
  #left = 0;
  #resendAtMs = 0;
  #resendBeganMs = 0;
  #takenAgain = 0;
  /** What has not come again yet. */
  #awaited: Set<ParkedRequest> | undefined;

  constructor(fate: (taskId: number) => Fate = fateOf) {
    this.#fateOf = fate;
  }

  /** Keeps the request until `job` is done, a copy of it or what it is known by. */
  park(job: Job, request: RequestView, header: RequestHeader): void {
    const parked: ParkedRequest = {
      job,
      uniqueLow: header.uniqueLow,
      uniqueHigh: header.uniqueHigh,
      taskId: header.pid,
      uid: header.uid,
      sinceMs: performance.now(),
      bytes: undefined,
      isInterrupted: false,
    };
    this.#add(parked, request.bytes.subarray(0, header.len));
  }

  /** The same for one that was taken when it was ready, and has to wait again. */
  parkAgain(parked: ParkedRequest, job: Job, request: RequestView): void {
    parked.job = job;
    if (parked.isInterrupted) this.#interrupted++;
    this.#add(parked, request.bytes.subarray(0, request.end));
  }

  #add(parked: ParkedRequest, bytes: Uint8Array): void {
    this.#parked.push(parked);
    if (bytes.length > SMALL_BYTES && this.#mayLeave && this.#isFull(parked.uid, bytes.length)) {
      parked.bytes = undefined;
      this.#left++;
      return;
    }
    parked.bytes ??= Buffer.from(bytes);
    this.#keep(parked, bytes.length);
  }

  #isFull(uid: number, bytes: number): boolean {
    const ofUser = this.#keptOf.get(uid) ?? 0;
    return ofUser + bytes > MOST_OF_USER_BYTES || this.#keptBytes + bytes > MOST_KEPT_BYTES;
  }

  /** @param bytes negative for what is kept no longer. */
  #keep({ uid }: ParkedRequest, bytes: number): void {
    if (Math.abs(bytes) <= SMALL_BYTES) return;
    const ofUser = (this.#keptOf.get(uid) ?? 0) + bytes;
    if (ofUser > 0) this.#keptOf.set(uid, ofUser);
    else this.#keptOf.delete(uid);
    this.#keptBytes += bytes;
  }

  /** Whether what is large may be left with the kernel from now on. */
  set mayLeave(value: boolean) {
    this.#mayLeave = value;
  }

  /** Notes that the caller of a request got a signal. The request may be answered already. */
  interrupt(uniqueLow: number, uniqueHigh: number): void {
    const found = this.#find(uniqueLow, uniqueHigh);
    if (found === undefined || found.isInterrupted) return;
    found.isInterrupted = true;
    this.#interrupted++;
    this.#checkAtMs = 0;
  }

  /** Takes some of those whose job is done, in the order in which they came. */
  takeReady(): readonly ParkedRequest[] {
    return this.#take(({ job, bytes }) => job.done && bytes !== undefined, AT_ONCE);
  }

  /** Whether `takeReady()` has left some. */
  get hasReady(): boolean {
    return this.#parked.some(({ job, bytes }) => job.done && bytes !== undefined);
  }

  /** Whether it is time for the kernel to send something again that is due. */
  get needsResend(): boolean {
    return this.#resendInMs === 0;
  }

  /** -1 for never. */
  get #resendInMs(): number {
    if (this.#left === 0 || !this.#parked.some(({ job, bytes }) => job.done && bytes === undefined))
      return -1;
    return Math.max(0, Math.ceil(this.#resendAtMs - performance.now()));
  }

  /** Asks for it later. */
  postponeResend(): void {
    this.#resendAtMs = performance.now() + CHECK_MS;
  }

  get isResending(): boolean {
    return this.#awaited !== undefined;
  }

  /** The kernel was asked to send all again that is not answered. */
  beginResend(): void {
    this.#awaited = new Set(this.#parked);
    this.#takenAgain = 0;
    this.#resendBeganMs = performance.now();
  }

  /**
   * A request came again.
   * @returns it, if it is due; undefined where it is not here.
   */
  takeResent(request: RequestView, header: RequestHeader): ParkedRequest | 'waits' | undefined {
    const { uniqueLow, uniqueHigh } = header;
    const found = this.#find(uniqueLow, uniqueHigh);
    if (found === undefined) return undefined;
    found.uniqueHigh = uniqueHigh;
    this.#awaited?.delete(found);
    if (found.bytes !== undefined) {
      // The answer goes by the header.
      request.bytes.copy(found.bytes, 0, 0, SIZEOF_IN_HEADER);
      return 'waits';
    }
    // Many come again at once, before all requests of others: what they still ask for waits for its turn.
    if (!found.job.done || this.#takenAgain >= AT_ONCE) return 'waits';
    this.#takenAgain++;
    return this.#take((one) => one === found, 1)[0];
  }

  /** All has come again. @returns those that have not: their callers have ended before. */
  endResend(): readonly ParkedRequest[] {
    const gone = this.#awaited;
    this.#awaited = undefined;
    const nowMs = performance.now();
    this.#resendAtMs = nowMs + (nowMs - this.#resendBeganMs) * (1 / SHARE_FOR_RESENT - 1);
    return gone === undefined || gone.size === 0 ? [] : this.#take((one) => gone.has(one), gone.size);
  }

  /** Takes those whose callers are about to end, if it is time to look; of many it looks at some each time. */
  takeEnding(): readonly ParkedRequest[] {
    if (this.#interrupted === 0) return [];
    const nowMs = performance.now();
    if (nowMs < this.#checkAtMs) return [];
    this.#checkAtMs = nowMs + CHECK_MS;
    const last = this.#lastChecked;
    let looks = 0;
    const isEnding = (one: ParkedRequest, index: number): boolean => {
      if (!one.isInterrupted || index < last || looks >= AT_ONCE) return false;
      looks++;
      this.#lastChecked = index + 1;
      return this.#fateOf(one.taskId) === 'ending';
    };
    const taken = this.#take(isEnding, AT_ONCE);
    if (looks < AT_ONCE) this.#lastChecked = 0;
    else this.#checkAtMs = nowMs + NEXT_CHECK_MS;
    return taken;
  }

  get isInUse(): boolean {
    return this.#parked.length > 0;
  }

  /** In how many milliseconds callers have to be looked at, or the kernel asked; -1 for never. */
  get dueMs(): number {
    const resendMs = this.#resendInMs;
    if (this.#interrupted === 0) return resendMs;
    const lookMs = Math.max(0, Math.ceil(this.#checkAtMs - performance.now()));
    return resendMs < 0 ? lookMs : Math.min(lookMs, resendMs);
  }

  #find(uniqueLow: number, uniqueHigh: number): ParkedRequest | undefined {
    return this.#parked.find(
      (one) =>
        one.uniqueLow === uniqueLow && ((one.uniqueHigh ^ uniqueHigh) & ~FUSE_UNIQUE_RESEND_HIGH) === 0,
    );
  }

  #take(isWanted: (one: ParkedRequest, index: number) => boolean, most: number): readonly ParkedRequest[] {
    const taken: ParkedRequest[] = [];
    const left: ParkedRequest[] = [];
    this.#parked.forEach((one, index) => {
      if (taken.length < most && isWanted(one, index)) taken.push(one);
      else left.push(one);
    });
    if (taken.length === 0) return taken;
    this.#parked = left;
    for (const one of taken) {
      if (one.isInterrupted) this.#interrupted--;
      if (one.bytes === undefined) this.#left--;
      else this.#keep(one, -one.bytes.length);
    }
    return taken;
  }
}
