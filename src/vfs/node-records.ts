/**
 * What a process that takes over a mount has to know of its nodes: a flat record of each, in memory that outlives who writes it.
 *
 * Records lie in pages as nodes do in their table (node-table.ts), so that a node's record follows from its id. Layout, little-endian:
 * u32[PAGES] the page number of each place plus one, 0 for a free place, and in the last whether something had no room; then long names; then the pages;
 * then u32[PAGES] whose table each page is of: the file systems of a mount share the memory. A record is
 * u32 nlookup, bits, parent id, name length | layer << 16; f64 inode number as shown; u32 open count, writers, backing id, place of a
 * long name; the name. Bit 31 of `bits` is set where there is a record, bit 30 where it is all that there is of a node (packed): then what
 * the file system adds, a word and a size, lies where the open count and the writers are of others. Bit 29 (TELLS_ALL) says that looking the
 * name up would tell no more than the record does; it is set last, and taken away before a name is changed.
 *
 * INVARIANT: there is a record of no node that is not in the table: the next node in its place would be taken for it.
 * INVARIANT: a count in a record is never smaller than the kernel's: it is written before the kernel is answered, and lowered after
 * the kernel has given references back.
 */

import type { Name } from './name.js';
import { type NodeId, nodeId, ROOT_NODE } from './node-id.js';

/** Methods that Node has but @types/node does not declare; they skip the parsing of arguments. */
interface ByteBuffer extends Buffer {
  latin1Write(text: string, offset: number, length: number): number;
  latin1Slice(start: number, end: number): string;
}

/** Nodes of one page. */
export const PAGE_BITS = 6;
const PAGE_NODES = 1 << PAGE_BITS;
const PAGES = 1 << 14;
/** Set where something had no room. */
const FULL_WORD = PAGES - 1;
const RECORD_BYTES = 96;
const NAME_AT = 40;
const INLINE_BYTES = RECORD_BYTES - NAME_AT;
const LONG_NAMES = 1 << 14;
const LONG_BYTES = 256;
const LONG_AT = PAGES * 4;
const PAGES_AT = LONG_AT + LONG_NAMES * LONG_BYTES;
/** Bytes of two places: whole pages of the memory. */
const PAIR_BYTES = 2 * PAGE_NODES * RECORD_BYTES;
const PRESENT = 2 ** 31;
const PACKED = 2 ** 30;
/** The bit of `bits` by which a successor need not look the name up. */
export const TELLS_ALL = 2 ** 29;
const NO_LONG_NAME = 0xffff_ffff;
const MOST_LAYERS = 0xffff;

/** Free places of pairs that are not given back, the last ones to come free: names that come and go take the same again. */
const MOST_WARM = 16;
/** latin1 names up to this length are written faster by a loop than by latin1Write (8 against 45 ns for 5 bytes). */
const LOOP_LENGTH = 16;

const OWNERS_AT = PAGES_AT + PAGES * PAGE_NODES * RECORD_BYTES;

export const NODE_RECORDS_BYTES = OWNERS_AT + PAGES * 4;

export interface NodeRecord {
  nlookup: number;
  /** As the file system means them, 29 of them, and TELLS_ALL. */
  bits: number;
  parent: number;
  layer: number;
  ino: number;
  openCount: number;
  writers: number;
  backingId: number;
  name: Name;
}

/** What the record of a packed node has beside what the records of all have. */
interface PackedNode {
  readonly nlookup: number;
  readonly parent: number;
  readonly layer: number;
  readonly ino: number;
  readonly name: Name;
  /** As the file system means it. */
  readonly word: number;
  readonly sizeBytes: number;
}

/** What is known of a node that was not opened or changed, beside what all have. */
interface FoundNode {
  readonly layer: number;
  /** As in NodeRecord. */
  readonly bits: number;
}

/** What a record needs of a node that was not opened or changed. */
interface NewNode {
  readonly nlookup: number;
  readonly parent: { readonly id: NodeId } | undefined;
  readonly ino: number;
  readonly name: Name;
}

export class NodeRecords {
  readonly #bytes: ByteBuffer;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #freePages: number[] = [];
  readonly #freeNames: number[] = [];
  /** Pairs without a page that still have their memory, the oldest first. */
  readonly #warm: number[] = [];
  readonly #giveBack: ((from: number, bytes: number) => void) | undefined;
  #usedPages = 0;
  #usedNames = 0;

  /**
   * @param memory NODE_RECORDS_BYTES, from a multiple of 8 on.
   * @param giveBack frees a part of it, which reads as zeros from then on.
   */
  constructor(memory: Buffer, giveBack?: (from: number, bytes: number) => void) {
    this.#giveBack = giveBack;
    this.#bytes = memory as ByteBuffer;
    this.#words = new Uint32Array(memory.buffer, memory.byteOffset, NODE_RECORDS_BYTES / 4);
    this.#doubles = new Float64Array(memory.buffer, memory.byteOffset, NODE_RECORDS_BYTES / 8);
  }

  /** Whether something had no room: then there are not records of all nodes. */
  get isFull(): boolean {
    return this.#words[FULL_WORD] !== 0;
  }

  #noteFull(): void {
    this.#words[FULL_WORD] = 1;
  }

  /** @param owner the file system whose page it is. @returns the place of the page, for `place()`. */
  addPage(number: number, owner: number): number {
    const slot = this.#freePages.pop() ?? this.#usedPages;
    if (slot >= FULL_WORD) {
      this.#noteFull();
      return -1;
    }
    if (slot === this.#usedPages) this.#usedPages++;
    const warm = this.#warm.indexOf(slot >>> 1);
    if (warm >= 0) this.#warm.splice(warm, 1);
    this.#words[OWNERS_AT / 4 + slot] = owner;
    this.#words[slot] = number + 1;
    return slot;
  }

  removePage(slot: number): void {
    if (slot < 0) return;
    this.#words[slot] = 0;
    this.#freePages.push(slot);
    if (this.#words[slot ^ 1] !== 0) return;
    this.#warm.push(slot >>> 1);
    if (this.#warm.length <= MOST_WARM) return;
    this.#giveBack?.(PAGES_AT + this.#warm.shift()! * PAIR_BYTES, PAIR_BYTES);
  }

  /** The place of a node in a page; -1 where the page has none. */
  place(slot: number, id: NodeId): number {
    return slot < 0 ? -1 : (PAGES_AT + (slot * PAGE_NODES + (id & (PAGE_NODES - 1))) * RECORD_BYTES) / 4;
  }

  /** The place of the root of a file system, which is in the first page of its table; -1 where it has none. */
  rootPlace(owner: number): number {
    const words = this.#words;
    for (let slot = 0; slot < this.#usedPages; slot++)
      if (words[slot] === 1 && words[OWNERS_AT / 4 + slot] === owner) return this.place(slot, ROOT_NODE);
    return -1;
  }

  has(place: number): boolean {
    return place >= 0 && this.#words[place + 1]! >= PRESENT;
  }

  /** Writes all but the name. */
  write(
    place: number,
    { nlookup, bits, parent, layer, ino, openCount, writers, backingId }: NodeRecord,
  ): void {
    if (place < 0) return;
    const words = this.#words;
    words[place] = nlookup;
    words[place + 1] = ((bits & ~TELLS_ALL) | PRESENT) >>> 0;
    words[place + 2] = parent;
    words[place + 3] = (words[place + 3]! & 0xffff) | (layer << 16);
    this.#doubles[(place + 4) / 2] = ino;
    words[place + 6] = openCount;
    words[place + 7] = writers;
    words[place + 8] = backingId;
    words[place + 1] = (bits | PRESENT) >>> 0;
    if (layer > MOST_LAYERS) this.#noteFull();
  }

  /** Writes the record of a node that has just been made known, with one reference or more and nothing that it was changed by. */
  writeNew(place: number, { nlookup, parent, ino, name }: NewNode, layer: number, bits: number): void {
    if (place < 0) return;
    if (name.length > INLINE_BYTES || layer > MOST_LAYERS) {
      const plain = { bits, layer, openCount: 0, writers: 0, backingId: 0 };
      this.writeNamed(place, { ...plain, nlookup, parent: parent?.id ?? 0, ino, name });
      return;
    }
    const words = this.#words;
    this.#freeName(place);
    words[place] = nlookup;
    words[place + 1] = PRESENT;
    words[place + 2] = parent === undefined ? 0 : parent.id;
    words[place + 3] = name.length | (layer << 16);
    this.#doubles[(place + 4) / 2] = ino;
    words[place + 6] = 0;
    words[place + 7] = 0;
    words[place + 8] = 0;
    this.#writeName(place * 4 + NAME_AT, name);
    words[place + 1] = (bits | PRESENT) >>> 0;
  }

  /** Writes all of a record, whatever was in its place. */
  writeNamed(place: number, record: NodeRecord): void {
    if (place < 0) return;
    const words = this.#words;
    words[place + 1]! &= ~TELLS_ALL;
    this.#freeName(place);
    const { name } = record;
    if (name.length <= INLINE_BYTES) this.#writeName(place * 4 + NAME_AT, name);
    else this.#writeLong(place, name);
    words[place + 3] = name.length;
    this.write(place, record);
  }

  writeReferences(place: number, nlookup: number): void {
    if (place >= 0) this.#words[place] = nlookup;
  }

  clear(place: number): void {
    if (place < 0) return;
    this.#freeName(place);
    this.#words[place + 1] = 0;
  }

  isPacked(place: number): boolean {
    return place >= 0 && (this.#words[place + 1]! & PACKED) !== 0;
  }

  /**
   * The record is all that there is of the node from now on: who takes over reads it as one that was not opened.
   * @returns whether there was room for its name.
   */
  pack(
    place: number,
    node: NewNode,
    { layer, bits, word, sizeBytes }: FoundNode & Pick<PackedNode, 'word' | 'sizeBytes'>,
  ): boolean {
    const words = this.#words;
    this.writeNew(place, node, layer, bits);
    if (place < 0 || (words[place + 9] === NO_LONG_NAME && node.name.length > INLINE_BYTES)) return false;
    words[place + 1] = (bits | PRESENT | PACKED) >>> 0;
    words[place + 6] = word;
    words[place + 7] = sizeBytes;
    return true;
  }

  /** The node is more than its record again. */
  unpack(place: number): PackedNode {
    const words = this.#words;
    const [word, sizeBytes] = [words[place + 6]!, words[place + 7]!];
    words[place + 6] = 0;
    words[place + 7] = 0;
    words[place + 1]! &= ~PACKED;
    return { ...this.recordAt(place), word, sizeBytes };
  }

  /** All records that there are of one file system, or of all, by their ids with the owner in front; the parent's is without. */
  *read(of?: number): Generator<readonly [NodeId, NodeRecord]> {
    const words = this.#words;
    for (let slot = 0; slot < FULL_WORD; slot++) {
      const number = words[slot]!;
      if (number === 0) continue;
      const owner = words[OWNERS_AT / 4 + slot]!;
      if (of !== undefined && owner !== of) continue;
      for (let index = 0; index < PAGE_NODES; index++) {
        const id = ((number - 1) * PAGE_NODES + index) as NodeId;
        const place = this.place(slot, id);
        if (this.has(place)) yield [nodeId(owner, id), this.recordAt(place)];
      }
    }
  }

  /** PRECONDITION: `has(place)`. */
  recordAt(place: number): NodeRecord {
    const words = this.#words;
    const isPacked = this.isPacked(place);
    const [length, layer] = [words[place + 3]! & 0xffff, words[place + 3]! >>> 16];
    const nameFrom = length <= INLINE_BYTES ? place * 4 + NAME_AT : LONG_AT + words[place + 9]! * LONG_BYTES;
    return {
      nlookup: words[place]!,
      bits: words[place + 1]! & (PACKED - 1),
      parent: words[place + 2]!,
      layer,
      ino: this.#doubles[(place + 4) / 2]!,
      openCount: isPacked ? 0 : words[place + 6]!,
      writers: isPacked ? 0 : words[place + 7]!,
      backingId: words[place + 8]!,
      name: this.#bytes.latin1Slice(nameFrom, nameFrom + length),
    };
  }

  #writeName(at: number, name: Name): void {
    const bytes = this.#bytes;
    const { length } = name;
    if (length > LOOP_LENGTH) bytes.latin1Write(name, at, length);
    else for (let i = 0; i < length; i++) bytes[at + i] = name.charCodeAt(i);
  }

  #writeLong(place: number, name: Name): void {
    const slot = this.#freeNames.pop() ?? this.#usedNames++;
    if (slot >= LONG_NAMES || name.length > LONG_BYTES) {
      this.#noteFull();
      this.#words[place + 9] = NO_LONG_NAME;
      return;
    }
    this.#words[place + 9] = slot;
    this.#bytes.latin1Write(name, LONG_AT + slot * LONG_BYTES, LONG_BYTES);
  }

  /** PRECONDITION: what is at the place was written by this process, or nothing was. */
  #freeName(place: number): void {
    const words = this.#words;
    if (words[place + 1]! < PRESENT || (words[place + 3]! & 0xffff) <= INLINE_BYTES) return;
    if (words[place + 9] !== NO_LONG_NAME) this.#freeNames.push(words[place + 9]!);
    words[place + 9] = NO_LONG_NAME;
  }
}
