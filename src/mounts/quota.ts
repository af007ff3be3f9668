/**
 * A size limit for a directory whose file system cannot keep one: that of an unprivileged tmpfs.
 *
 * Counts the blocks that files gain and lose through the mount; nobody else writes there.
 */

import { ENOSPC } from '../errno/errno.js';
import { fsError } from '../errno/fs-error.js';
import type { StatFs } from '../vfs/attr.js';

export class Quota {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** @throws ENOSPC when that much more does not fit. */
  assertRoom(bytes: number): void {
    if (bytes > 0 && this.#usedBytes + bytes > this.#limitBytes) throw fsError(ENOSPC, 'write');
  }

  take(bytes: number): void {
    this.#usedBytes = Math.max(0, this.#usedBytes + bytes);
  }

  give(bytes: number): void {
    this.take(-bytes);
  }

  /** What statfs shows of the limit. */
  limit(out: StatFs): void {
    const unit = out.frsize;
    const free = Math.max(0, Math.floor((this.#limitBytes - this.#usedBytes) / unit));
    out.blocks = Math.floor(this.#limitBytes / unit);
    out.bfree = Math.min(out.bfree, free);
    out.bavail = Math.min(out.bavail, free);
  }
}
