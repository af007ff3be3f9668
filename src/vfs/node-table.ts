/**
 * The nodes of one file system by their ids, and the references that keep them: the kernel's (`nlookup`) and those of
 * nodes that name one as their parent (`children`).
 *
 * INVARIANT: a node is in the table while the kernel holds references or children hang on it; the root always.
 *
 * Nodes that were not used for long are packed when there are many: there is a record of each (node-records.ts), and no object until it is
 * found again. A million files of which nothing but the name is known then take what their records take.
 * INVARIANT: nobody but the table refers to a node that can be packed while `packSome()` runs: between two requests.
 * INVARIANT: ids follow each other in the order in which nodes are made, and none is given out again while its node lives.
 */

import { ESTALE } from '../errno/errno.js';
import { fsError } from '../errno/fs-error.js';
import type { Session } from './file-system.js';
import { NO_NODE, type NodeId, ROOT_NODE } from './node-id.js';
import { type LimitedNode, NodeLimit } from './node-limit.js';
import { type NodeRecords, PAGE_BITS } from './node-records.js';
import { NodeShares } from './node-shares.js';

export interface TableNode extends LimitedNode {
  readonly id: NodeId;
  nlookup: number;
  children: number;
  /** Undefined for the root. */
  readonly parent: TableNode | undefined;
}

const IDS = 2 ** 32;
/** Ids are given out one after the other, so pages are full or come to an end together. */
const PAGE_NODES = 1 << PAGE_BITS;

/** Makes records of nodes, and nodes of records. */
export interface NodePacker<N> {
  /** Nodes from which on some are packed. */
  readonly mostWhole: number;
  /** @returns false where the node is more than a record tells, or somebody refers to it. */
  pack(node: N, place: number): boolean;
  unpack(id: NodeId, place: number): N;
}

/** A page is looked through for each so many nodes that were made or unpacked, so that it costs little where none can be packed. */
const BETWEEN_PAGES = 16;
const MOST_DUE = 16 * BETWEEN_PAGES;

interface Page<N> {
  nodes: (N | undefined)[];
  /** By whom they were made (node-shares.ts), and each, where it was not one for all. */
  maker: number;
  makers: Uint16Array | undefined;
  used: number;
  /** How many of them are packed. */
  packed: number;
  /** Where its records are; -1 where none are kept. */
  slot: number;
}

export class NodeTable<N extends TableNode & { readonly parent: N | undefined }> {
  /** By id / PAGE_NODES: some 13 bytes a node, where a Map of nodes has 45. */
  readonly #pages = new Map<number, Page<N>>();
  /** The page that was asked for last, and its number; -1 for none. Most requests are about nodes that were made together. */
  #lastPage: Page<N> | undefined;
  #lastNumber = -1;
  /** An empty page for the next one: names that come and go one by one would make a page each. */
  #spare: Page<N> | undefined;
  readonly #limit = new NodeLimit(this);
  readonly #shares = new NodeShares();
  #next = ROOT_NODE as number;
  #size = 0;
  #records: NodeRecords | undefined;
  #owner = 0;
  #packer: NodePacker<N> | undefined;
  #packed = 0;
  /** What is made or unpacked adds one. */
  #due = 0;
  #hand: IterableIterator<[number, Page<N>]> | undefined;

  get size(): number {
    return this.#size;
  }

  get largestUser(): number | undefined {
    return this.#shares.largest;
  }

  has(id: NodeId): boolean {
    const page = this.#pageAt(id >>> PAGE_BITS);
    return (
      page !== undefined && (page.nodes[id & (PAGE_NODES - 1)] !== undefined || this.#isPacked(page, id))
    );
  }

  find(id: NodeId): N | undefined {
    const page = this.#pageAt(id >>> PAGE_BITS);
    if (page === undefined) return undefined;
    return page.nodes[id & (PAGE_NODES - 1)] ?? (page.packed > 0 ? this.#unpack(page, id) : undefined);
  }

  /** @throws ESTALE when the kernel names a node of which it has no reference. */
  get(id: NodeId): N {
    const node = this.find(id);
    if (node === undefined) throw fsError(ESTALE, 'node', String(id));
    return node;
  }

  /** Puts in what `make` makes with a new id. @throws ENOMEM when nothing more fits. */
  add(session: Session | undefined, make: (id: NodeId) => N): N {
    this.#limit.makeRoom(session);
    let id = this.#next;
    while (id === NO_NODE || this.has(id as NodeId)) id = (id + 1) % IDS;
    this.#next = (id + 1) % IDS;
    const node = make(id as NodeId);
    const page = this.#pageOf(id);
    this.#due++;
    page.nodes[id & (PAGE_NODES - 1)] = node;
    this.#noteMaker(page, id, this.#shares.take(session?.caller?.uid ?? 0));
    return node;
  }

  /** From now on there is a place for the record of each node. @param owner the number of its file system. */
  keep(records: NodeRecords, owner: number): void {
    // What is packed lies where it was kept before.
    for (const _ of this.values());
    this.#records = records;
    this.#owner = owner;
    for (const [number, page] of this.#pages) page.slot = records.addPage(number, owner);
  }

  /** Where the record of a node is; -1 where none is kept. */
  recordPlace(id: NodeId): number {
    const slot = this.#pageAt(id >>> PAGE_BITS)?.slot ?? -1;
    return this.#records?.place(slot, id) ?? -1;
  }

  #pageAt(number: number): Page<N> | undefined {
    if (number === this.#lastNumber) return this.#lastPage;
    const page = this.#pages.get(number);
    if (page === undefined) return undefined;
    this.#lastPage = page;
    this.#lastNumber = number;
    return page;
  }

  /** The id that the next node gets, unless one has it. */
  get nextId(): NodeId {
    return this.#next as NodeId;
  }

  /** Those that are not used are packed, when there are many. PRECONDITION: there are records. */
  set packer(packer: NodePacker<N> | undefined) {
    this.#packer = packer;
  }

  /** Whether `packSome()` would look for some. */
  get isPackingDue(): boolean {
    return (
      this.#packer !== undefined &&
      this.#due >= BETWEEN_PAGES &&
      this.#size - this.#packed > this.#packer.mostWhole
    );
  }

  /** Packs some of those that were made or unpacked long ago. Between two requests. */
  packSome(): void {
    this.#due = Math.min(this.#due, MOST_DUE);
    while (this.isPackingDue) {
      this.#hand ??= this.#pages.entries();
      const next = this.#hand.next();
      if (next.done === true) {
        this.#hand = undefined;
        return;
      }
      const [number, page] = next.value;
      this.#due -= page.packed === page.used ? 1 : BETWEEN_PAGES;
      if (page.packed < page.used) this.#packPage(page, number);
    }
  }

  #packPage(page: Page<N>, number: number): void {
    const { nodes, slot } = page;
    const [records, packer] = [this.#records, this.#packer];
    if (records === undefined || packer === undefined || slot < 0) return;
    for (let index = 0; index < PAGE_NODES; index++) {
      const node = nodes[index];
      if (node === undefined || node.nlookup === 0 || node.children > 0 || node.parent === undefined)
        continue;
      if (!packer.pack(node, records.place(slot, (number * PAGE_NODES + index) as NodeId))) continue;
      nodes[index] = undefined;
      page.packed++;
      this.#packed++;
    }
    if (page.packed === page.used) page.nodes = noNodes as N[];
  }

  #isPacked(page: Page<N>, id: NodeId): boolean {
    return page.packed > 0 && this.#records?.isPacked(this.#records.place(page.slot, id)) === true;
  }

  #unpack(page: Page<N>, id: NodeId): N | undefined {
    if (!this.#isPacked(page, id)) return undefined;
    const node = this.#packer!.unpack(id, this.#records!.place(page.slot, id));
    if (page.nodes === noNodes) page.nodes = emptyNodes();
    page.nodes[id & (PAGE_NODES - 1)] = node;
    page.packed--;
    this.#packed--;
    this.#due++;
    return node;
  }

  /** The next node gets this id, unless one has it. */
  continueFrom(id: NodeId): void {
    this.#next = id;
  }

  /** The page in which a node comes to lie. */
  #pageOf(id: number): Page<N> {
    const number = id >>> PAGE_BITS;
    let page = this.#pageAt(number);
    if (page === undefined) {
      page = this.#spare ?? {
        nodes: emptyNodes(),
        maker: 0,
        makers: undefined,
        used: 0,
        packed: 0,
        slot: -1,
      };
      this.#spare = undefined;
      page.slot = this.#records?.addPage(number, this.#owner) ?? -1;
      this.#pages.set(number, page);
    }
    if (page.nodes === noNodes) page.nodes = emptyNodes();
    page.used++;
    this.#size++;
    return page;
  }

  /** PRECONDITION: the node is in the page already. */
  #noteMaker(page: Page<N>, id: number, maker: number): void {
    if (page.used === 1) {
      page.maker = maker;
      page.makers = undefined;
    } else if (page.makers === undefined && page.maker !== maker)
      page.makers = new Uint16Array(PAGE_NODES).fill(page.maker);
    if (page.makers !== undefined) page.makers[id & (PAGE_NODES - 1)] = maker;
  }

  #delete(id: NodeId): void {
    const number = id >>> PAGE_BITS;
    const page = this.#pageAt(number)!;
    page.nodes[id & (PAGE_NODES - 1)] = undefined;
    this.#records?.clear(this.#records.place(page.slot, id));
    this.#shares.giveBack(page.makers === undefined ? page.maker : page.makers[id & (PAGE_NODES - 1)]!);
    this.#size--;
    if (--page.used > 0) return;
    this.#pages.delete(number);
    if (number === this.#lastNumber) this.#lastNumber = -1;
    this.#records?.removePage(page.slot);
    this.#spare = page;
  }

  /** The kernel gives references back. @returns the node when it was the last of them. */
  forget(id: NodeId, count: number): N | undefined {
    const node = this.find(id);
    if (node === undefined) return undefined;
    node.nlookup = Math.max(0, node.nlookup - count);
    return node.nlookup === 0 ? node : undefined;
  }

  /**
   * Takes out a node that nothing refers to any more, and parents that only it kept.
   * @param end is called with each while it is still in the table: its record goes last, or what `end` notes of it would make one of a
   * node that is gone, which the next node in its place is taken for.
   */
  release(node: N, end: (node: N) => void): void {
    let at: N | undefined = node;
    while (at !== undefined && at.nlookup === 0 && at.children === 0 && at.parent !== undefined) {
      const parent: N = at.parent;
      end(at);
      this.#delete(at.id);
      parent.children--;
      at = parent;
    }
  }

  /** From the oldest on; nodes may come and go meanwhile. All of them are unpacked by that. */
  *values(): IterableIterator<N> {
    for (const [number, page] of this.#pages)
      for (let index = 0; index < PAGE_NODES; index++) {
        const node = page.nodes[index] ?? this.#unpack(page, (number * PAGE_NODES + index) as NodeId);
        if (node !== undefined) yield node;
      }
  }

  /** Those that are not packed. */
  *whole(): IterableIterator<N> {
    for (const { nodes } of this.#pages.values())
      for (const node of nodes) if (node !== undefined) yield node;
  }

  /** What the limit has to know of each, from the oldest on. */
  *limited(): IterableIterator<LimitedNode> {
    for (const [number, page] of this.#pages)
      for (let index = 0; index < PAGE_NODES; index++) {
        const id = (number * PAGE_NODES + index) as NodeId;
        const node = page.nodes[index];
        if (node !== undefined) yield node;
        else if (this.#isPacked(page, id)) yield { id, nlookup: 1, children: 0, openCount: 0 };
      }
  }
}

/** The nodes of a page where all are packed; nobody writes to it. */
const noNodes: unknown[] = emptyNodes();

function emptyNodes<N>(): (N | undefined)[] {
  return new Array<N | undefined>(PAGE_NODES).fill(undefined);
}
