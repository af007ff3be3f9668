/**
 * A sync of a file that failed, of which each open file that was there is to learn once, as on ext4 (Linux: lib/errseq.c
 * v6.18). The kernel reports an error of writing once for each descriptor, and all who have the file open share ours.
 */

export class SyncFailure {
  /** Positive. */
  readonly errno: number;
  readonly #lastHandle: number;
  readonly #told = new Set<number>();

  /** @param lastHandle the latest that was given out: later opens do not learn of it. */
  constructor(errno: number, lastHandle: number) {
    this.errno = errno;
    this.#lastHandle = lastHandle;
  }

  /** @returns whether this open file learns of it only now. */
  tell(handle: number): boolean {
    if (handle > this.#lastHandle || this.#told.has(handle)) return false;
    this.#told.add(handle);
    return true;
  }
}
