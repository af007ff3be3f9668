/**
 * A size limit for a directory whose file system cannot keep one: that of an unprivileged tmpfs.
 *
 * Counts the blocks that files gain and lose through the mount; nobody else writes there.
 */

import { SEEK_HOLE } from '../../linux/constants.js';
import { lseek } from '../../linux/files/data.js';
import type { StatFs } from '../../vfs/attr.js';

const BLOCK_BYTES = 4096;

export class Quota {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.#limitBytes - this.#usedBytes);
  }

  take(bytes: number): void {
    this.#usedBytes = Math.max(0, this.#usedBytes + bytes);
  }

  give(bytes: number): void {
    this.take(-bytes);
  }

  /** How much of `length` bytes at `offset` may be written: what replaces data of the file takes no room. */
  fits(fd: number, offset: number, length: number): number {
    if (length + BLOCK_BYTES <= this.freeBytes) return length;
    const block = offset - (offset % BLOCK_BYTES);
    // Negative past the end of the file: nothing there to replace.
    const hole = lseek(fd, block, SEEK_HOLE);
    const dataEnd = hole <= block ? block : Math.ceil(hole / BLOCK_BYTES) * BLOCK_BYTES;
    return Math.min(length, Math.max(0, dataEnd - offset) + this.freeBytes);
  }

  /** What statfs shows of the limit. */
  limit(out: StatFs): void {
    const unit = out.frsize;
    const free = Math.floor(this.freeBytes / unit);
    out.blocks = Math.floor(this.#limitBytes / unit);
    out.bfree = Math.min(out.bfree, free);
    out.bavail = Math.min(out.bavail, free);
  }
}
