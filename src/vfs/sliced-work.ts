/**
 * Work of the serving thread that takes long, cut into slices between which requests of others have their turn.
 *
 * The work is a generator that yields every now and then. What is done within one slice, nearly all, costs a closure and a
 * look at the clock. Of the rest few are under way at once, since each holds what it has found so far; who wants what is
 * being made for another, and what cannot have changed since, waits for that.
 * INVARIANT: a piece of work is in `#works` from the end of its first slice until it is over, fails or is given up.
 */

import type { Session } from './file-system.js';
import { type Job, Wait } from './wait.js';

/** Half of what a copy within the loop takes at most. */
const SLICE_MS = 2;
const MOST_AT_ONCE = 2;

/** What the work is about. */
export interface Subject {
  /** Whether the last work on it took more than a slice. */
  takesLong: boolean;
  /** Moves on with each change that the result would show. */
  readonly epoch: number;
}

interface Work<T> {
  readonly subject: Subject;
  readonly epoch: number;
  readonly steps: Generator<undefined, T>;
  /** Those who wait for the same. */
  readonly joined: Turn<T>[];
}

/** Done when it is the turn of who waits, or when what he wants is there. */
class Turn<T> implements Job {
  readonly spec = { kind: 'pause' } as const;
  readonly result = 0;
  done = false;
  isGivenUp = false;
  found: { readonly value: T; readonly epoch: number } | undefined;
  readonly onGivenUp = (): void => {
    this.isGivenUp = true;
  };
}

export class SlicedWork<T> {
  readonly #now: () => number;
  readonly #works = new Set<Work<T>>();
  readonly #byJob = new WeakMap<Job, Work<T>>();
  #queue: Turn<T>[] = [];

  /** @param now a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * @param session undefined: nobody else is served.
   * @returns what the generator returns. @throws Wait until then, and what the generator throws.
   */
  run(session: Session | undefined, subject: Subject, begin: () => Generator<undefined, T>): T {
    if (session === undefined) return finish(begin());
    const { awaited } = session;
    const work = awaited && this.#byJob.get(awaited);
    if (work !== undefined && this.#works.has(work)) return this.#go(session, work);
    if (awaited instanceof Turn && awaited.found?.epoch === subject.epoch) return awaited.found.value as T;
    if (subject.takesLong) {
      const same = [...this.#works].find((one) => one.subject === subject && one.epoch === subject.epoch);
      if (same !== undefined) throw this.#waitIn(same.joined);
      if (this.#works.size >= MOST_AT_ONCE) throw this.#waitIn(this.#queue);
    }
    return this.#go(session, { subject, epoch: subject.epoch, steps: begin(), joined: [] });
  }

  #waitIn(waiting: Turn<T>[]): Wait {
    const turn = new Turn<T>();
    waiting.push(turn);
    return new Wait(turn);
  }

  #go(session: Session, work: Work<T>): T {
    const endMs = this.#now() + SLICE_MS;
    try {
      do {
        const step = work.steps.next();
        if (step.done === true) {
          work.subject.takesLong = this.#works.has(work);
          this.#end(session, work, { value: step.value, epoch: work.epoch });
          return step.value;
        }
      } while (this.#now() < endMs);
    } catch (error) {
      this.#end(session, work, undefined);
      throw error;
    }
    work.subject.takesLong = true;
    this.#works.add(work);
    const pause = session.startJob({ kind: 'pause' });
    pause.onGivenUp = () => {
      work.steps.return(undefined as T);
      this.#end(session, work, undefined);
    };
    this.#byJob.set(pause, work);
    throw new Wait(pause);
  }

  #end(session: Session, work: Work<T>, found: Turn<T>['found']): void {
    if (!this.#works.delete(work)) return;
    for (const turn of work.joined) turn.found = found;
    const ready = [...work.joined];
    this.#queue = this.#queue.filter((turn) => !turn.isGivenUp);
    const next = this.#queue.shift();
    if (next !== undefined) ready.push(next);
    if (ready.length === 0) return;
    for (const turn of ready) turn.done = true;
    // Has the engine look for requests that can go on.
    session.startJob({ kind: 'pause' });
  }
}

/** Runs the work to its end. */
export function finish<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
