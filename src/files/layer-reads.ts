/**
 * Reads that the serving thread makes for the kernel, without letting others wait for a slow disk.
 *
 * By a helper thread a read costs two thread wake-ups, about as much as a quick disk. So it is made here, until one was
 * slow; from then on only what lies in the page cache already (RWF_NOWAIT). For the rest a helper brings the pages in,
 * and the request comes again: many who read at once then wait for the disk together, and others not at all.
 */

import { EAGAIN, EOPNOTSUPP } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { pread, preadNowait } from '../linux/data.js';
import { dup } from '../linux/open.js';
import type { Session } from '../vfs/file-system.js';
import { Wait } from '../vfs/wait.js';
import { DiskPace } from './disk-pace.js';

const PAGE_BYTES = 4096;

export class LayerReads {
  readonly #pace: DiskPace;

  constructor(pace = new DiskPace()) {
    this.#pace = pace;
  }

  /**
   * @returns bytes read; fewer than asked for only at the end of the file.
   * @throws Wait, FsError
   */
  read(session: Session | undefined, fd: number, offset: number, into: Uint8Array): number {
    // A tree that is read without a mount has nobody else to serve.
    if (session === undefined) return readWhole(fd, offset, into);
    if (session.replaying) {
      this.#pace.settle();
      return readWhole(fd, offset, into);
    }
    const ready = this.readCached(fd, offset, into);
    if (ready >= 0) return ready;
    const ofJob = check(dup(fd), 'read');
    const job = session.startJob({ kind: 'read', fd: ofJob, offset, length: into.byteLength });
    this.#pace.began(job);
    throw new Wait(job);
  }

  /**
   * Without waiting for the disk where that was slow.
   * @returns as `read()`, or -EAGAIN. @throws FsError
   */
  readCached(fd: number, offset: number, into: Uint8Array): number {
    if (this.#pace.isQuick) {
      const startedMs = this.#pace.now();
      const read = readWhole(fd, offset, into);
      this.#pace.took(this.#pace.now() - startedMs);
      return read;
    }
    const length = preadNowait(fd, into, offset);
    if (length === -EOPNOTSUPP) return readWhole(fd, offset, into);
    if (length === -EAGAIN) return length;
    check(length, 'read');
    return length === into.byteLength || endsFile(offset + length) ? length : -EAGAIN;
  }
}

/** Whether a read that ended here ended with the file: else it was cut off between two pages. */
function endsFile(end: number): boolean {
  return end % PAGE_BYTES !== 0;
}

function readWhole(fd: number, offset: number, into: Uint8Array): number {
  let total = 0;
  while (total < into.byteLength) {
    const rest = total === 0 ? into : into.subarray(total);
    const length = check(pread(fd, rest, offset + total), 'read');
    total += length;
    if (length === 0 || endsFile(offset + total)) break;
  }
  return total;
}
