/**
 * Whether the serving thread may wait for the disk by itself: in a sync, in a read (layer-reads.ts), or for a name.
 *
 * By a helper thread it costs two thread wake-ups, which on a fast disk is a quarter of a small commit; by the serving
 * thread everybody waits while the disk is slow. So a sync of a small file is made here, until one was slow; then a
 * number of quick ones must come first, twice as many each time.
 */

import { AT_EMPTY_PATH, STATX_SIZE } from '../../linux/constants.js';
import { fdatasync, fsync } from '../../linux/files/data.js';
import { Statx, statx } from '../../linux/files/statx.js';
import type { SyncScope } from '../../vfs/file-system.js';
import type { Job } from '../../vfs/wait.js';

/** What is quick for data; an inline copy of 1 MiB takes about as long (copy-up-data.ts). */
const QUICK_MS = 2;
const FEWEST = 8;
const MOST = 4096;
/** What a file may have to write at most; how much it has would take longer to find out (cachestat(2), 8 us a MiB). */
const SIZE_LIMIT_BYTES = 16 * 1024 * 1024;

const stat = new Statx();

export class DiskPace {
  readonly now: () => number;
  readonly #quickMs: number;
  #quickOnes = 0;
  #needed = 0;
  #job: Job | undefined;
  #jobStartedMs = 0;

  /**
   * @param now a clock in milliseconds.
   * @param quickMs how long others may have to wait.
   */
  constructor(now: () => number = () => performance.now(), quickMs = QUICK_MS) {
    this.now = now;
    this.#quickMs = quickMs;
  }

  /** Whether nothing was slow of late. */
  get isQuick(): boolean {
    return this.#quickOnes >= this.#needed;
  }

  /** @param fd of the file or directory to be written. */
  allows(fd: number): boolean {
    return this.isQuick && isSmall(fd);
  }

  /** Syncs here and now. @returns 0 or a negated errno. */
  sync(fd: number, scope: SyncScope): number {
    const startedMs = this.now();
    const result = scope === 'data' ? fdatasync(fd) : fsync(fd);
    this.took(this.now() - startedMs);
    return result;
  }

  /** A helper thread was given a sync; of several at once the last counts. */
  began(job: Job): void {
    this.#job = job;
    this.#jobStartedMs = this.now();
  }

  /** Its request came back. */
  ended(job: Job): void {
    if (this.#job !== job) return;
    this.#job = undefined;
    this.took(this.now() - this.#jobStartedMs);
  }

  /** The same, where its request does not know it. */
  settle(): void {
    if (this.#job?.done === true) this.ended(this.#job);
  }

  took(ms: number): void {
    if (ms > this.#quickMs) {
      this.#quickOnes = 0;
      this.#needed = Math.min(MOST, Math.max(FEWEST, this.#needed * 2));
    } else if (++this.#quickOnes >= MOST) {
      this.#needed = FEWEST;
    }
  }
}

function isSmall(fd: number): boolean {
  return statx(fd, '', AT_EMPTY_PATH, STATX_SIZE, stat) === 0 && stat.sizeBytes <= SIZE_LIMIT_BYTES;
}
