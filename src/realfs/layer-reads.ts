/**
 * Reads that the serving thread makes for the kernel, without letting others wait for a slow disk.
 *
 * By a helper thread a read costs two thread wake-ups, about as much as a quick disk. So it is made here, until one was
 * slow; from then on only what lies in the page cache already (RWF_NOWAIT). For the rest a helper brings the pages in,
 * and the request comes again: many who read at once then wait for the disk together, and others not at all.
 */

import { EAGAIN, EOPNOTSUPP } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { adviseWillNeed, pread, preadNowait } from '../linux/files/data.js';
import { dup } from '../linux/files/open.js';
import type { Session } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import { Wait } from '../vfs/wait.js';
import { DiskPace } from './disk/disk-pace.js';

const PAGE_BYTES = 4096;
const LARGE_BYTES = 256 * 1024;
const PIECES_AHEAD = 2;
/** What a read takes of which all is in memory: 10 us a call and 4 GB/s on the machines measured, and some slack. */
const WARM_MS = 0.06;
const WARM_BYTES_PER_MS = 2_000_000;

export class LayerReads {
  readonly #pace: DiskPace;
  /** Whether the last read had to wait for the disk. */
  wasCold = false;
  /** The file of which a part is being read ahead, and the end of that part. */
  #aheadFd = -1;
  #aheadEnd = 0;

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
    if (into.byteLength >= LARGE_BYTES) this.#readAhead(fd, offset, into.byteLength);
    if (ready >= 0) return ready;
    const ofJob = check(dup(fd), 'read');
    const job = session.startJob({ kind: 'read', fd: ofJob, offset, length: into.byteLength });
    this.#pace.began(job);
    throw new Wait(job);
  }

  /** The kernel asks for large files in such pieces: the disk works on the next ones while this one is handed over. */
  #readAhead(fd: number, offset: number, length: number): void {
    if (!this.wasCold && (fd !== this.#aheadFd || offset >= this.#aheadEnd)) return;
    this.#aheadFd = fd;
    this.#aheadEnd = offset + (1 + PIECES_AHEAD) * length;
    adviseWillNeed(fd, offset + length, PIECES_AHEAD * length);
  }

  /**
   * Without waiting for the disk where that was slow.
   * @returns as `read()`, or -EAGAIN. @throws FsError
   */
  readCached(fd: number, offset: number, into: Uint8Array): number {
    if (this.#pace.isQuick) {
      const startedMs = this.#pace.now();
      const read = readWhole(fd, offset, into);
      const tookMs = this.#pace.now() - startedMs;
      this.#pace.took(tookMs);
      this.wasCold = tookMs > WARM_MS + read / WARM_BYTES_PER_MS;
      return read;
    }
    const length = preadNowait(fd, into, offset);
    this.wasCold = length === -EAGAIN;
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

/** The same where a read may be cut off anywhere: files that a kernel makes up. */
export function readUpTo(fd: number, offset: number, into: Uint8Array, name: Name): number {
  let total = 0;
  while (total < into.length) {
    const rest = total === 0 ? into : into.subarray(total);
    const length = check(pread(fd, rest, offset + total), 'read', name);
    if (length === 0) break;
    total += length;
  }
  return total;
}
