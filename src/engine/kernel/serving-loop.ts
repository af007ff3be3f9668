/**
 * The loop of a serving thread: takes turns among the sessions that it serves, and sleeps when none has a request.
 *
 * Blocks in epoll_wait(2) on their descriptors and an eventfd, nothing else: a thread blocked in a foreign call cannot be
 * joined. INVARIANT: what a session throws ends that session alone; one that has requests without end gets as many
 * answered in a turn as each other.
 */

import { check } from '../../errno/fs-error.js';
import { close } from '../../linux/files/open.js';
import { Epoll } from '../../linux/io/epoll.js';
import { eventfdDrain } from '../../linux/io/poll.js';
import { schedYield } from '../../linux/process/process.js';
import { IDLE_MS, type IdleCollector } from '../idle-collector.js';
import type { Burst } from './burst.js';
import type { LoopEnd, SessionLoop } from './session-loop.js';
import { soonest } from './soonest.js';

/** Requests between two looks at jobs and messages while the kernel keeps one session busy. */
const PATIENCE = 128;
/** The same where others wait for their turn: some 0.2 ms of small requests. */
const TURN = 16;

/**
 * How often to look for the next request before sleeping, some 0.8 us each with the core offered to others in between:
 * a process that asks again at once finds the thread awake. Warm `tar` of a tree on 2 cores: 0.61 s with 0 turns, 0.36
 * with 64, 0.30 with 200. Looks that find nothing halve the number, so an idle mount costs a few.
 */
const MOST_TURNS = 128;
const LEAST_TURNS = 4;

/** How long nothing may have come before the thread does something of its own. */
const QUIET_MS = 100;

/** What the thread does of its own when no request comes, in slices. */
export interface IdleWork {
  readonly isDue: boolean;
  /** Does a slice of it. */
  run(): void;
}

/** It has thrown. */
export interface Failure {
  readonly error: unknown;
}

interface ServingOptions {
  /** eventfd, non-blocking: written when a message or a finished job waits. */
  readonly wakeFd: number;
  /** Called when the eventfd was written; returns true to leave the loop. */
  readonly onWake: () => boolean;
  /** The session is served no longer. */
  readonly onEnd: (session: SessionLoop, end: LoopEnd | Failure) => void;
  /** Before another session than the last has its turn: what is the thread's own is to be the daemon's again. */
  readonly beforeTurn?: () => void;
  /** Done when something is served and nothing has come for a moment. */
  readonly idleWork?: IdleWork;
  /** One word, for who watches the thread: another number with each turn, odd while it works and even while it waits. */
  readonly turn?: Int32Array;
  /** One word: 0 while nobody looks at `turn`. The thread makes it 1 when it has something to do, which wakes who waits for that. */
  readonly watched?: Int32Array;
}

export class ServingLoop {
  readonly #options: ServingOptions;
  readonly #epoll = new Epoll();
  readonly #sessions = new Map<number, SessionLoop>();
  /** Those with requests that wait for a job or for remote storage. */
  readonly #waiting = new Set<SessionLoop>();
  readonly #bursts = new Set<Burst>();
  #last: SessionLoop | undefined;
  #collector: IdleCollector | undefined;
  #turns = MOST_TURNS;
  readonly #turn: Int32Array;
  readonly #watched: Int32Array;

  constructor(options: ServingOptions) {
    this.#options = options;
    this.#turn = options.turn ?? new Int32Array(1);
    this.#watched = options.watched ?? Int32Array.of(1);
    check(this.#epoll.fd, 'epoll_create1');
    check(this.#epoll.add(options.wakeFd), 'epoll_ctl');
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** From now on the session is served. */
  add(session: SessionLoop): void {
    session.begin();
    check(this.#epoll.add(session.fuseFd), 'epoll_ctl', '/dev/fuse');
    this.#sessions.set(session.fuseFd, session);
    this.#collector = session.collector;
    if (session.burst !== undefined) this.#bursts.add(session.burst);
  }

  /** The session is served no longer; nothing is said of it. */
  remove(session: SessionLoop): void {
    if (this.#sessions.get(session.fuseFd) !== session) return;
    this.#epoll.remove(session.fuseFd);
    this.#sessions.delete(session.fuseFd);
    this.#waiting.delete(session);
    if (this.#last === session) this.#last = undefined;
    session.stop();
  }

  /** Serves until `onWake` says to leave. */
  run(): void {
    const { wakeFd, onWake } = this.#options;
    let isBusy = false;
    // Even: the first turn is one of waiting.
    this.#turn[0] = 1;
    try {
      for (;;) {
        this.#turn[0]! += isBusy ? 2 : 1;
        const count = isBusy ? this.#epoll.wait(0) : this.#await();
        if (!isBusy) this.#turn[0]!++;
        if (this.#watched[0] === 0 && count > 0) this.#callWatcher();
        isBusy = false;
        let isWoken = false;
        for (let i = 0; i < count; i++) {
          const fd = this.#epoll.found(i);
          if (fd === wakeFd) isWoken = true;
          else if (this.#serve(fd)) isBusy = true;
        }
        for (const session of this.#waiting) this.#settle(session);
        if (!isWoken) continue;
        eventfdDrain(wakeFd);
        for (const session of this.#sessions.values()) this.#collect(session);
        if (onWake()) return;
        for (const session of this.#sessions.values()) this.#track(session);
      }
    } finally {
      for (const session of [...this.#sessions.values()]) this.remove(session);
      close(this.#epoll.fd);
    }
  }

  #callWatcher(): void {
    Atomics.store(this.#watched, 0, 1);
    Atomics.notify(this.#watched, 0);
  }

  /** @returns whether it may have more requests. */
  #serve(fd: number): boolean {
    const session = this.#sessions.get(fd);
    if (session === undefined) return false;
    this.#enter(session);
    try {
      const state = session.serveSome(this.#sessions.size > 1 ? TURN : PATIENCE);
      if (state === 'unmounted' || state === 'aborted') this.#end(session, state);
      else this.#track(session);
      return state === 'more';
    } catch (error) {
      this.#end(session, { error });
      return false;
    }
  }

  #settle(session: SessionLoop): number {
    this.#enter(session);
    try {
      return session.settle();
    } catch (error) {
      this.#end(session, { error });
      return -1;
    }
  }

  #collect(session: SessionLoop): void {
    this.#enter(session);
    try {
      session.collect();
    } catch (error) {
      this.#end(session, { error });
    }
  }

  #enter(session: SessionLoop): void {
    if (session === this.#last) return;
    this.#last = session;
    this.#options.beforeTurn?.();
  }

  #track(session: SessionLoop): void {
    if (session.isWaiting) this.#waiting.add(session);
    else this.#waiting.delete(session);
  }

  #end(session: SessionLoop, end: LoopEnd | Failure): void {
    this.remove(session);
    this.#options.onEnd(session, end);
  }

  /** All requests so far are answered. @returns how many descriptors have something. */
  #await(): number {
    this.#last?.burst?.note(Date.now());
    return this.#spin() || this.#sleep();
  }

  /** Looks for work a while without sleeping. */
  #spin(): number {
    for (let turn = 0; turn < this.#turns; turn++) {
      const count = this.#epoll.wait(0);
      if (count > 0) {
        this.#turns = Math.min(MOST_TURNS, this.#turns * 2);
        return count;
      }
      schedYield();
    }
    this.#turns = Math.max(LEAST_TURNS, this.#turns >> 1);
    return 0;
  }

  #sleep(): number {
    let dueMs = -1;
    for (const session of this.#waiting) dueMs = soonest(dueMs, this.#settle(session));
    let restMs = -1;
    for (const burst of this.#bursts) restMs = soonest(restMs, burst.restMs);
    if (restMs >= 0) {
      const count = this.#epoll.wait(soonest(dueMs, restMs));
      if (count === 0) for (const burst of this.#bursts) if (burst.restMs >= 0) burst.rest();
      return count;
    }
    const { idleWork } = this.#options;
    if (idleWork?.isDue === true && dueMs < 0 && this.#sessions.size > 0) return this.#workOrWait(idleWork);
    const collector = this.#collector;
    if (collector?.isDue !== true || (dueMs >= 0 && dueMs < IDLE_MS)) return this.#epoll.wait(dueMs);
    const count = this.#epoll.wait(IDLE_MS);
    if (count === 0) collector.collect();
    return count;
  }

  /** Goes on with the work for as long as nothing comes. */
  #workOrWait(work: IdleWork): number {
    let count = this.#epoll.wait(QUIET_MS);
    while (count === 0 && work.isDue) {
      this.#last = undefined;
      work.run();
      count = this.#epoll.wait(0);
    }
    return count;
  }
}
