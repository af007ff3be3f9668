/**
 * Which nodes of the union have their topmost object in a layer: node ids by inode number there.
 *
 * Flat tables with open addressing (linear probing, gaps closed at removal) in place of a Map: 16 bytes a name instead of 45, and
 * nothing for the garbage collector to walk. Upper halves of inode numbers have a table of their own, where there are any.
 * INVARIANT: an id of 0 marks a free place; at least a quarter of the places is free.
 */

import type { NodeId } from '../../vfs/node-id.js';

const HALF = 2 ** 32;
const FEWEST = 16;
/** Shares of the places that are taken: beyond the first the tables double, below the second they halve. */
const FULL = 0.75;
const SPARSE = 0.15;

export class InodeIndex {
  #lows = new Uint32Array(FEWEST);
  #highs: Uint32Array | undefined;
  #ids = new Uint32Array(FEWEST);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(ino: number): boolean {
    return this.#ids[this.#placeOf(ino)] !== 0;
  }

  get(ino: number): NodeId | undefined {
    const id = this.#ids[this.#placeOf(ino)]!;
    return id === 0 ? undefined : (id as NodeId);
  }

  set(ino: number, id: NodeId): void {
    const place = this.#placeOf(ino);
    if (this.#ids[place] === 0) this.#size++;
    this.#put(place, ino, id);
    if (this.#size > this.#ids.length * FULL) this.#resize(this.#ids.length * 2);
  }

  /** Takes the number out where it stands for this node. */
  delete(ino: number, id: NodeId): void {
    const place = this.#placeOf(ino);
    if (this.#ids[place] !== id) return;
    this.#size--;
    this.#closeGap(place);
    if (this.#ids.length > FEWEST && this.#size < this.#ids.length * SPARSE)
      this.#resize(this.#ids.length / 2);
  }

  /** For tests. */
  *entries(): Generator<readonly [number, NodeId]> {
    for (const [place, id] of this.#ids.entries()) if (id !== 0) yield [this.#inoAt(place), id as NodeId];
  }

  #put(place: number, ino: number, id: number): void {
    this.#lows[place] = ino;
    if (ino >= HALF) this.#highs ??= new Uint32Array(this.#ids.length);
    if (this.#highs !== undefined) this.#highs[place] = ino / HALF;
    this.#ids[place] = id;
  }

  #inoAt(place: number): number {
    const high = this.#highs === undefined ? 0 : this.#highs[place]!;
    return high * HALF + this.#lows[place]!;
  }

  /** Where the number is, or the free place where it would be. */
  #placeOf(ino: number): number {
    const mask = this.#ids.length - 1;
    let place = hash(ino) & mask;
    while (this.#ids[place] !== 0 && this.#inoAt(place) !== ino) place = (place + 1) & mask;
    return place;
  }

  /** What follows without a gap moves up, as far as its own place allows: a search ends at the first free place. */
  #closeGap(free: number): void {
    const mask = this.#ids.length - 1;
    let gap = free;
    this.#ids[gap] = 0;
    for (let place = (gap + 1) & mask; this.#ids[place] !== 0; place = (place + 1) & mask) {
      const wanted = hash(this.#inoAt(place)) & mask;
      if (((place - wanted) & mask) < ((place - gap) & mask)) continue;
      this.#put(gap, this.#inoAt(place), this.#ids[place]!);
      this.#ids[place] = 0;
      gap = place;
    }
  }

  #resize(places: number): void {
    const [lows, highs, ids] = [this.#lows, this.#highs, this.#ids];
    this.#lows = new Uint32Array(places);
    this.#highs = undefined;
    this.#ids = new Uint32Array(places);
    for (let from = 0; from < ids.length; from++) {
      if (ids[from] === 0) continue;
      const ino = (highs === undefined ? 0 : highs[from]! * HALF) + lows[from]!;
      this.#put(this.#placeOf(ino), ino, ids[from]!);
    }
  }
}

/** Inode numbers follow each other, and so do multiples of a power of two: all bits count. */
function hash(ino: number): number {
  const low = Math.imul(ino | 0, 0x9e3779b1);
  const high = Math.imul((ino / HALF) | 0, 0x85ebca6b);
  const mixed = low ^ high;
  return mixed ^ (mixed >>> 15);
}
