/**
 * How many descriptors users of the mount may make this thread keep open, so that some are left for everybody's
 * lookups and opens.
 *
 * The process's descriptors above `#ceiling` are the reserve, for calls that close what they open. Root may take all
 * below it; another user as many as he leaves free, so that the next one always finds room. What caches keep open makes
 * room for users. How many are open, whoever opened them, is asked of the kernel now and then, and estimated in between.
 */

import { readdirSync, statSync } from 'node:fs';
import { EMFILE } from '../errno/errno.js';
import { fsError } from '../errno/fs-error.js';
import { close } from '../linux/files/open.js';

/** Descriptors that stay free for short use, where the limit is not very low. */
const LEAST_RESERVE = 64;
const MOST_RESERVE = 4096;
/** Descriptors that this thread opens between two questions while they are scarce: other threads open some too. */
const UNASKED = 64;

const OPEN_FILES = '/proc/self/fd';

/** Keeps descriptors open that can be opened again. */
export interface Evictable {
  /** Closes one. @returns false when it has none to spare. */
  evict(): boolean;
}

export class HeldDescriptors {
  readonly #ceiling: number;
  readonly #halfReserve: number;
  readonly #caches: Evictable[] = [];
  #cached = 0;
  readonly #owners = new Map<number, number>();
  readonly #counts = new Map<number, number>();
  #estimate = 0;
  #askAt: number;

  /** @param limit descriptors that the process may have open. */
  constructor(limit: number) {
    const reserve = Math.min(MOST_RESERVE, Math.max(LEAST_RESERVE, Math.floor(limit / 8)));
    this.#ceiling = Math.max(Math.floor(limit / 2), limit - reserve);
    this.#halfReserve = Math.floor(Math.min(reserve, limit / 2) / 2);
    this.#askAt = this.#ceiling / 4;
  }

  /** How many are held. */
  get count(): number {
    return this.#owners.size;
  }

  /** Whether what can be opened again should not stay open. */
  get isScarce(): boolean {
    return this.#open() - this.#cached > this.#ceiling / 2;
  }

  /** Whether the reserve is in use. */
  get isCrowded(): boolean {
    return this.#open() >= this.#ceiling;
  }

  /** Makes the cache give way to what users hold. */
  add(cache: Evictable): void {
    this.#caches.push(cache);
  }

  /** The cache is empty, and will be. */
  remove(cache: Evictable): void {
    const index = this.#caches.indexOf(cache);
    if (index >= 0) this.#caches.splice(index, 1);
  }

  /**
   * Before a descriptor is opened that stays open for a user of the mount.
   * @param uid undefined where the caller is not known.
   * @throws EMFILE when he may have no more.
   */
  assertRoom(uid: number | undefined, op: string): void {
    if (uid !== undefined && uid !== 0) {
      const own = this.#counts.get(uid) ?? 0;
      if (own > 0 && own >= this.#ceiling - this.#open() + this.#cached) throw fsError(EMFILE, op);
    }
    if (!this.#makeRoom(this.#ceiling)) throw fsError(EMFILE, op);
  }

  /**
   * The same for one that is likely to be closed soon, as of a file that is removed while nobody has it open: some of the
   * reserve may go to it.
   * @throws EMFILE
   */
  assertShortRoom(op: string): void {
    if (!this.#makeRoom(this.#ceiling + this.#halfReserve)) throw fsError(EMFILE, op);
  }

  /** Notes that a descriptor stays open for the user. */
  hold(fd: number, uid: number | undefined): void {
    const owner = uid ?? 0;
    this.forget(fd);
    this.#owners.set(fd, owner);
    this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1);
    this.#estimate++;
  }

  /** Closes a descriptor, held or not. */
  close(fd: number): void {
    if (this.forget(fd)) this.#estimate--;
    close(fd);
  }

  /** The descriptor is no user's any more. @returns whether it was. */
  forget(fd: number): boolean {
    const owner = this.#owners.get(fd);
    if (owner === undefined) return false;
    this.#owners.delete(fd);
    const left = this.#counts.get(owner)! - 1;
    if (left > 0) this.#counts.set(owner, left);
    else this.#counts.delete(owner);
    return true;
  }

  /** Notes that a cache has so many more open. */
  noteCached(change: number): void {
    this.#estimate += change;
    this.#cached += change;
  }

  #makeRoom(limit: number): boolean {
    while (this.#open() >= limit) if (!this.#caches.some((cache) => cache.evict())) return false;
    return true;
  }

  /** Descriptors that are open in this process, about. */
  #open(): number {
    if (this.#estimate < this.#askAt) return this.#estimate;
    // The size is their number from Linux 6.2 on (fs/proc/fd.c:proc_fd_getattr()), before it is 0.
    this.#estimate = statSync(OPEN_FILES).size || readdirSync(OPEN_FILES).length;
    // Once it says that the reserve is in use it is asked each time.
    this.#askAt = Math.min(this.#ceiling, Math.max(this.#estimate + UNASKED, this.#ceiling / 2));
    return this.#estimate;
  }
}
