/**
 * Tells when requests come close together, and has the CPUs kept awake for as long as they do.
 *
 * A CPU that falls asleep between a request and its reply has to be woken, twice a request, which may take longer than all
 * that the request itself takes. By what they are kept awake is in daemon/session/wakefulness.ts.
 */

/** Requests that each come within a millisecond of the one before make a burst. */
const BURST = 8;

/** What keeps CPUs awake. */
export interface Waker {
  /** Called at most once a millisecond while requests come close together: awake for some milliseconds from now. */
  keepAwake(): void;
  /** After this time without a request `rest()` is to be called; -1: it ends by itself. */
  readonly restMs: number;
  rest(): void;
}

export class Burst {
  readonly #waker: Waker;
  #close = 0;
  #lastMs = 0;
  #orderedMs = 0;
  #isHeld = false;

  constructor(waker: Waker) {
    this.#waker = waker;
  }

  /** Notes that all requests so far are answered: called before each look for the next one. */
  note(nowMs: number): void {
    const passedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (passedMs > 1 || passedMs < 0) this.#close = 0;
    else if (++this.#close >= BURST && nowMs !== this.#orderedMs) {
      this.#orderedMs = nowMs;
      this.#isHeld = true;
      this.#waker.keepAwake();
    }
  }

  /** How long the loop may sleep before it calls `rest()`; -1: for ever. */
  get restMs(): number {
    return this.#isHeld ? this.#waker.restMs : -1;
  }

  /** Nothing came for `restMs`. */
  rest(): void {
    this.#isHeld = false;
    this.#waker.rest();
  }
}
