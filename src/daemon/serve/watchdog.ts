/**
 * Looks from the main thread at what the serving threads do. One that has used the processor for long without coming to an end is in a
 * loop of ours: this process then ends, and the next one takes over, which answers the request EIO where it ends that too. One that
 * waits in the kernel waits for storage: another process would wait for the same, so it is told in the log alone.
 *
 * While many requests come the keeper stands by. While none come nobody looks, since an idle mount is to cost nothing.
 */

import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { isSystemError } from '../../errno/error-code.js';
import {
  restUntilWork,
  type ThreadPulse,
  threadPulses,
  whenThreadsWork,
} from '../session/serving-threads.js';
import type { Keeper } from './keeper.js';

const LOOK_MS = 2_000;
/** More than any request takes, or a million names that are found again. */
const LOOP_MS = 30_000;
const WAITS_MS = 30_000;
/** The unit of times in /proc/PID/stat; USER_HZ. */
const TICK_MS = 10;
/** Changes of TURN between two looks from which on a pause would be felt. */
const MANY_TURNS = 500;
/** Looks in a row that find so many: what is soon over is not worth the time of a Node that begins. */
const BUSY_LOOKS = 5;
/** The memory of the machine that is to be there for a keeper that stands by, which takes 45 MiB. */
const ENOUGH_BYTES = 512 * 1024 * 1024;
/** The keeper's memory is given back after so long without many requests. */
const STAND_BY_MS = 60_000;

interface Watched {
  /** Undefined where no other process takes over. */
  readonly keeper: Keeper | undefined;
  /** Whether all mounts of this process outlive it. */
  readonly outlives: () => boolean;
  readonly log: (line: string) => void;
}

interface Seen {
  readonly turn: number;
  readonly sinceMs: number;
  /** What the thread had used when it was seen in this turn for the second time. */
  cpuMs?: number;
  isTold: boolean;
}

export class Watchdog {
  readonly #watched: Watched;
  readonly #seen = new Map<number, Seen>();
  #busyAtMs = 0;
  #busyLooks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
    whenThreadsWork(() => this.#lookAfter(LOOK_MS));
    this.#lookAfter(LOOK_MS);
  }

  #lookAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    const nowMs = performance.now();
    let turns = 0;
    let isQuiet = true;
    for (const pulse of threadPulses()) {
      const before = this.#seen.get(pulse.taskId);
      turns += before === undefined ? 0 : pulse.turn - before.turn;
      isQuiet &&= before?.turn === pulse.turn && !isAtWork(pulse);
      if (before?.turn === pulse.turn && isAtWork(pulse)) this.#judge(pulse, before, nowMs);
      else this.#seen.set(pulse.taskId, { turn: pulse.turn, sinceMs: nowMs, isTold: false });
    }
    this.#prepare(turns, nowMs);
    if (isQuiet) this.#rest(nowMs);
    else this.#lookAfter(LOOK_MS);
  }

  /** Looks again when a thread has something to do, or when the keeper's memory is to be given back. */
  #rest(nowMs: number): void {
    this.#timer = undefined;
    restUntilWork();
    // A turn that began before the threads knew tells nobody.
    const hasBegun = threadPulses().some(({ taskId, turn }) => this.#seen.get(taskId)?.turn !== turn);
    if (hasBegun) this.#lookAfter(LOOK_MS);
    else if (this.#watched.keeper?.standsBy === true)
      this.#lookAfter(Math.max(LOOK_MS, this.#busyAtMs + STAND_BY_MS - nowMs));
  }

  #judge({ taskId }: ThreadPulse, before: Seen, nowMs: number): void {
    if (before.isTold) return;
    const { outlives, log } = this.#watched;
    const cpuMs = cpuOf(taskId);
    before.cpuMs ??= cpuMs;
    const usedMs = cpuMs - before.cpuMs;
    if (usedMs >= LOOP_MS) {
      before.isTold = true;
      log(`a serving thread makes no progress: it has used ${Math.round(usedMs / 1000)} s for one request`);
      if (outlives()) process.kill(process.pid, 'SIGKILL');
    } else if (nowMs - before.sinceMs - usedMs >= WAITS_MS) {
      before.isTold = true;
      log('a serving thread waits in the kernel: storage of a mount does not answer');
    }
  }

  #prepare(turns: number, nowMs: number): void {
    const { keeper } = this.#watched;
    if (keeper === undefined) return;
    this.#busyLooks = turns >= MANY_TURNS ? this.#busyLooks + 1 : 0;
    if (this.#busyLooks > 0) {
      this.#busyAtMs = nowMs;
      if (this.#busyLooks >= BUSY_LOOKS && !keeper.standsBy && freemem() >= ENOUGH_BYTES) keeper.standBy();
    } else if (keeper.standsBy && nowMs - this.#busyAtMs >= STAND_BY_MS) keeper.rest();
  }
}

function isAtWork({ turn }: ThreadPulse): boolean {
  return (turn & 1) === 1;
}

/** What a thread of this process has used of the processor; 0 where it is gone. */
function cpuOf(taskId: number): number {
  try {
    const stat = readFileSync(`/proc/self/task/${taskId}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch (error) {
    if (isSystemError(error)) return 0;
    throw error;
  }
}
