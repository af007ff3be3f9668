/**
 * Brings names of a directory into memory, for who then finds them there: what statx(2) and getdents64(2) read from the disk stays in
 * the kernel's caches. What fails here fails again for who comes after, and is told there.
 *
 * Opens directories alone, so that no FIFO and no device is; follows no symlink and starts no automount.
 */

import {
  AT_NO_AUTOMOUNT,
  AT_STATX_DONT_SYNC,
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  STATX_BASIC_STATS,
} from '../linux/constants.js';
import { forEachDirent, getdents64 } from '../linux/files/directory.js';
import { close, openat } from '../linux/files/open.js';
import { Statx, statx } from '../linux/files/statx.js';
import { ThreadReads } from '../linux/process/thread-reads.js';
import type { Name } from '../vfs/name.js';

const ENTRIES_BYTES = 32 * 1024;
/** Names of a directory that are looked at; of more the rest comes as it is asked for. */
const MOST_NAMES = 4096;
/** Inodes of the same eight share a block of the disk, so one of them brings in all (ext4: 16 of 256 bytes, from number 1 on; XFS: 8 of 512, from 0 on). */
const NEIGHBOURS = 8;

const stat = new Statx();
let buffer: Buffer | undefined;

/** Times calls, and keeps the slowest, if anything was read. */
class Slowest {
  readonly #reads = new ThreadReads();
  #micros = 0;
  #startedMs = 0;

  /** How many microseconds it took; 0 where nothing was read. */
  result(): number {
    return this.#reads.hasMore() ? Math.max(1, this.#micros) : 0;
  }

  begin(): void {
    this.#startedMs = performance.now();
  }

  end(): void {
    this.#micros = Math.max(this.#micros, Math.round((performance.now() - this.#startedMs) * 1000));
  }
}

/** @returns how many microseconds the slowest call took; 0 where nothing was read. */
export function bringName(dirfd: number, name: Name): number {
  const slowest = new Slowest();
  lookAt(dirfd, name, slowest);
  return slowest.result();
}

/** The same of all that a directory has, `.` of `dirfd` or one below it. */
export function bringDirectory(dirfd: number, name: Name): number {
  const slowest = new Slowest();
  slowest.begin();
  const fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  slowest.end();
  if (fd < 0) return slowest.result();
  const found = listed(fd, slowest);
  found.sort((one, other) => one.ino - other.ino);
  let last = Number.NEGATIVE_INFINITY;
  for (const { name, ino } of found) {
    if (areNeighbours(ino, last) && areNeighbours(ino - 1, last - 1)) continue;
    last = ino;
    lookAt(fd, name, slowest);
  }
  close(fd);
  return slowest.result();
}

function areNeighbours(ino: number, other: number): boolean {
  return Math.floor(ino / NEIGHBOURS) === Math.floor(other / NEIGHBOURS);
}

function listed(fd: number, slowest: Slowest): { readonly name: Name; readonly ino: number }[] {
  buffer ??= Buffer.allocUnsafe(ENTRIES_BYTES);
  const found: { name: Name; ino: number }[] = [];
  while (found.length < MOST_NAMES) {
    slowest.begin();
    const length = getdents64(fd, buffer);
    slowest.end();
    if (length <= 0) break;
    forEachDirent(buffer, length, (name, ino) => found.push({ name, ino }));
  }
  return found;
}

function lookAt(dirfd: number, name: Name, slowest: Slowest): void {
  slowest.begin();
  statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, stat);
  slowest.end();
}
