/**
 * Keeps the serving thread out of a file system that takes no changes now: frozen (fsfreeze(8), a snapshot), or so slow
 * that a change waits.
 *
 * Linux says nowhere that a file system is frozen, and a change of one waits uninterruptibly. So before a change a helper
 * thread tries one that changes nothing, and the request waits for it, unless a change was made a moment ago. That costs
 * two thread wake-ups for a change after a pause, and nothing while changes follow each other closely: a freeze that falls
 * between two of those is met by the serving thread.
 */

import { AT_EMPTY_PATH, STATX_BASIC_STATS } from '../../linux/constants.js';
import { fstatfs, StatFsResult } from '../../linux/files/statfs.js';
import { Statx, statx } from '../../linux/files/statx.js';
import type { Session } from '../../vfs/file-system.js';
import { isJustRead, type Job, Wait } from '../../vfs/wait.js';

/** How long a change speaks for the next one. */
const LEASE_MS = 20;

/** Linux: include/uapi/linux/magic.h: memory alone, which cannot be frozen. */
const TMPFS_MAGIC = 0x01021994;
const RAMFS_MAGIC = 0x858458f6;

export class WriteGate {
  readonly #fd: number;
  readonly #device: number;
  readonly #isMemory: boolean;
  readonly #now: () => number;
  #passedMs = Number.NEGATIVE_INFINITY;
  #probe: Job | undefined;

  /**
   * @param fd of a directory of the file system; stays the caller's, open as long as changes are made.
   * @param now a clock in milliseconds.
   */
  constructor(fd: number, now: () => number = () => performance.now()) {
    this.#fd = fd;
    this.#now = now;
    const found = new StatFsResult();
    const type = fstatfs(fd, found) === 0 ? found.type : 0;
    this.#isMemory = type === TMPFS_MAGIC || type === RAMFS_MAGIC;
    const stat = new Statx();
    this.#device = statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, stat) === 0 ? stat.dev : 0;
  }

  /** Whether a change made now is not likely to wait. */
  get isOpen(): boolean {
    return this.#isMemory || this.#now() - this.#passedMs < LEASE_MS;
  }

  /** Before a change that a request asks for. @throws Wait while it is not known that the file system takes it. */
  pass(session: Session | undefined): void {
    if (session === undefined || this.#isMemory) return;
    const nowMs = this.#now();
    // What the request waited for, a copy say, was a change itself; but not where it only asked or looked.
    const hasWaited = session.awaited !== undefined && !isJustRead(session.awaited);
    if (nowMs - this.#passedMs < LEASE_MS || hasWaited) {
      this.#passedMs = nowMs;
      return;
    }
    throw new Wait(this.#begin(session));
  }

  /** Makes a change that nobody waits for: now, or when the file system takes changes. */
  whenOpen(session: Session | undefined, change: () => void): void {
    const probe = this.isOpen || session === undefined ? undefined : this.#begin(session);
    if (probe === undefined || probe.done) {
      change();
      return;
    }
    const earlier = probe.onDone;
    probe.onDone = () => {
      earlier?.();
      change();
    };
  }

  #begin(session: Session): Job {
    if (this.#probe === undefined || this.#probe.done)
      this.#probe = session.startJob({ kind: 'probe', fd: this.#fd, device: this.#device });
    return this.#probe;
  }
}
