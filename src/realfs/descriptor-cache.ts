/**
 * The bounded set of open directory descriptors: least recently used goes first.
 *
 * A `RealDirectory` asks for its descriptor on each access; here is decided which stay open. The list is intrusive
 * (prev and next lie in the directory itself), so that a hit moves two pointers and allocates nothing.
 *
 * INVARIANT: a directory is in the list exactly when its descriptor is open and it is not pinned.
 */

import { close } from '../linux/files/open.js';
import { type Evictable, HeldDescriptors } from './held-descriptors.js';

/** Stay open whatever happens, so that no walk evicts what it stands on. */
const FEWEST = 16;

/** What the cache needs of an entry; only the cache writes these fields. */
export interface CachedDescriptor {
  fd: number;
  newer: CachedDescriptor | undefined;
  older: CachedDescriptor | undefined;
  pinned: boolean;
}

export class DescriptorCache implements Evictable {
  readonly capacity: number;
  /** What stays open for users, who share the process's descriptors with this cache. */
  readonly held: HeldDescriptors;
  #count = 0;
  #newest: CachedDescriptor | undefined;
  #oldest: CachedDescriptor | undefined;

  /** @param capacity descriptors that stay open. */
  constructor(capacity: number, held = new HeldDescriptors(Number.POSITIVE_INFINITY)) {
    this.capacity = Math.max(FEWEST, capacity);
    this.held = held;
    held.add(this);
  }

  /** Its file system has ended: nothing of it is kept for the sake of others. */
  retire(): void {
    this.held.remove(this);
  }

  get count(): number {
    return this.#count;
  }

  /** Takes over a descriptor just opened, and closes the least recently used one when there are too many. */
  add(entry: CachedDescriptor): void {
    this.#count++;
    this.#putFirst(entry);
    this.held.noteCached(1);
    if (this.#count > this.capacity || this.held.isCrowded) this.evict();
  }

  evict(): boolean {
    if (this.#count <= FEWEST || this.#oldest === undefined) return false;
    this.drop(this.#oldest);
    return true;
  }

  touch(entry: CachedDescriptor): void {
    if (entry === this.#newest || entry.pinned) return;
    this.#unlink(entry);
    this.#putFirst(entry);
  }

  /** Keeps the descriptor open until `drop`: for what cannot be opened again by name. */
  pin(entry: CachedDescriptor): void {
    if (entry.pinned) return;
    this.#unlink(entry);
    this.#count--;
    this.held.noteCached(-1);
    entry.pinned = true;
  }

  /** Closes the descriptor, if it is open. */
  drop(entry: CachedDescriptor): void {
    const { fd } = entry;
    if (fd < 0) return;
    if (entry.pinned) this.held.close(fd);
    else close(fd);
    this.take(entry);
  }

  /** Leaves the descriptor to the caller. */
  take(entry: CachedDescriptor): number {
    const { fd } = entry;
    if (fd < 0) return fd;
    if (entry.pinned) {
      entry.pinned = false;
      this.held.forget(fd);
    } else {
      this.#unlink(entry);
      this.#count--;
      this.held.noteCached(-1);
    }
    entry.fd = -1;
    return fd;
  }

  #putFirst(entry: CachedDescriptor): void {
    entry.newer = undefined;
    entry.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = entry;
    this.#newest = entry;
    this.#oldest ??= entry;
  }

  #unlink(entry: CachedDescriptor): void {
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    entry.newer = undefined;
    entry.older = undefined;
  }
}
