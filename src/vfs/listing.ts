/**
 * What a directory lists, with positions that last.
 *
 * A position (d_off) is a hash of the name, and entries are listed in the order of their positions. So positions stay
 * true while entries come and go, when the list is built anew, and after a remount, without any state for each reader:
 * what ext4 does with its hashed directories. 52 bits of hash: two names among a million collide with a chance of 1 in
 * 9,000, and then the later one takes the next free position.
 *
 * INVARIANT: `positions` is strictly ascending; a removed entry keeps its place with type REMOVED.
 */

import type { Name } from './name.js';
import { finish } from './sliced-work.js';

/** Positions 1 and 2 follow '.' and '..'. */
const FIRST_POSITION = 3;
const REMOVED = 0xff;

export class Listing {
  readonly names: Name[];
  readonly types: Uint8Array;
  /** Inode number as the layer has it; see `sources`. */
  readonly inos: Float64Array;
  /** As the maker of the list numbered where the name comes from. */
  readonly sources: Uint16Array;
  readonly positions: Float64Array;

  private constructor(count: number) {
    this.names = new Array<Name>(count);
    this.types = new Uint8Array(count);
    this.inos = new Float64Array(count);
    this.sources = new Uint16Array(count);
    this.positions = new Float64Array(count);
  }

  static of(entries: readonly ListedName[]): Listing {
    return finish(Listing.inSteps(entries));
  }

  /** The same, with a yield now and then. */
  static *inSteps(entries: readonly ListedName[]): Generator<undefined, Listing> {
    const { hashes, order } = yield* orderInSteps(entries);
    const listing = new Listing(entries.length);
    let last = FIRST_POSITION - 1;
    for (let i = 0; i < entries.length; i++) {
      const from = order[i]!;
      const entry = entries[from]!;
      listing.names[i] = entry.name;
      listing.types[i] = entry.type;
      listing.inos[i] = entry.ino;
      listing.sources[i] = entry.source;
      last = Math.max(last + 1, hashes[from]!);
      listing.positions[i] = last;
      if (i % STEP === STEP - 1) yield;
    }
    return listing;
  }

  get length(): number {
    return this.names.length;
  }

  /** Index of the first entry whose position is above `position`. */
  indexAfter(position: number): number {
    let low = 0;
    let high = this.positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.positions[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  isRemoved(index: number): boolean {
    return this.types[index] === REMOVED;
  }

  remove(name: Name): void {
    const index = this.#indexOf(name);
    if (index >= 0) this.types[index] = REMOVED;
  }

  /**
   * The name stands for another object from now on. A name that is not in the list is not added: whether a reader under
   * way sees what was made since it began is up to the file system (readdir(3p)), and who begins gets a new list.
   */
  replace(name: Name, now: Omit<ListedName, 'name'>): void {
    const index = this.#indexOf(name);
    if (index < 0) return;
    this.types[index] = now.type;
    this.inos[index] = now.ino;
    this.sources[index] = now.source;
  }

  /** Also of a removed entry; -1 when the name never was in the list. */
  #indexOf(name: Name): number {
    const hash = hashName(name);
    for (let index = this.indexAfter(hash - 1); index < this.names.length; index++) {
      if (this.names[index] === name) return index;
      if (this.positions[index]! > hash + MAX_SHIFT) return -1;
    }
    return -1;
  }
}

/** Entries between two yields: some 0.5 ms. */
const STEP = 2048;
/** Entries that share a bucket on average. */
const BUCKET = 8;
const HASH_LIMIT = 2 ** 52 + FIRST_POSITION;

/**
 * The order of the hashes, found by what they are: even, so that few share a bucket. Names that were made to share one are
 * sorted in it.
 */
function* orderInSteps(
  entries: readonly ListedName[],
): Generator<undefined, { readonly hashes: Float64Array; readonly order: Uint32Array }> {
  const count = entries.length;
  const buckets = Math.max(1, Math.ceil(count / BUCKET));
  const hashes = new Float64Array(count);
  const ends = new Uint32Array(buckets + 1);
  const bucketOf = (i: number): number => Math.floor((hashes[i]! / HASH_LIMIT) * buckets);
  for (let i = 0; i < count; i++) {
    hashes[i] = hashName(entries[i]!.name);
    ends[bucketOf(i) + 1]!++;
    if (i % STEP === STEP - 1) yield;
  }
  for (let bucket = 0; bucket < buckets; bucket++) ends[bucket + 1]! += ends[bucket]!;
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    // Each bucket is filled from its begin, which becomes its end.
    const bucket = bucketOf(i);
    order[ends[bucket]!++] = i;
    if (i % STEP === STEP - 1) yield;
  }
  const compare = (a: number, b: number): number =>
    hashes[a]! - hashes[b]! || (entries[a]!.name < entries[b]!.name ? -1 : 1);
  for (let bucket = 0, start = 0; bucket < buckets; bucket++) {
    const end = ends[bucket]!;
    if (end - start > 1) order.subarray(start, end).sort(compare);
    start = end;
    if (bucket % (STEP / BUCKET) === 0) yield;
  }
  return { hashes, order };
}

/** How far collisions can push an entry from its hash; beyond it the name is not in the list. */
const MAX_SHIFT = 64;

/** Above every position of a list. */
export const POSITION_LIMIT = 2 ** 52 + 1024;

export interface ListedName {
  readonly name: Name;
  readonly ino: number;
  readonly type: number;
  readonly source: number;
}

/** Two 32-bit FNV-1a runs over the bytes, 52 bits of them; at least FIRST_POSITION. */
function hashName(name: Name): number {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < name.length; i++) {
    const byte = name.charCodeAt(i);
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x01000193) ^ (b >>> 15);
  }
  return (a >>> 0) * 2 ** 20 + ((b >>> 8) & 0xfffff) + FIRST_POSITION;
}
