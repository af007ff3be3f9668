/**
 * Keeps a record of each node of a file system (vfs/node-records.ts), and the descriptors of files whose names are gone, for the process
 * that takes the mount over when this one dies.
 *
 * INVARIANT: a descriptor is kept before the name goes that leads to its file.
 */

import type { Name } from '../vfs/name.js';
import type { NodeId } from '../vfs/node-id.js';
import type { NodeRecord, NodeRecords } from '../vfs/node-records.js';
import type { NodeTable, TableNode } from '../vfs/node-table.js';
import { OpenState } from './open-state.js';

/** Where descriptors of files without a name outlive this process. */
export interface OrphanStore {
  /** @returns a negated errno where it takes no more. */
  put(node: number, fd: number): number;
  retain(keeps: (node: number) => boolean): void;
}

/** What outlives this process of one file system. */
export interface NodeKeeping {
  readonly records: NodeRecords;
  readonly store: OrphanStore;
  /** The number of the file system in the mount. */
  readonly owner: number;
}

/** What a process that died has left of one file system; ids are without its number. */
export interface LeftBehind {
  readonly records: Iterable<readonly [NodeId, NodeRecord]>;
  /** Descriptors of files without a name, by node; they are the file system's from now on. */
  readonly orphans: ReadonlyMap<number, number>;
  /** The kernel may know nodes below this id that have no record: of what was not found when it was taken over before. */
  readonly nextId: number;
  /** The two ends of a rename that may have been done or not. */
  readonly rename: readonly [NamePlace, NamePlace] | undefined;
  readonly unsure: UnsureNodes;
}

/** Whose records may be older than what is on disk: requests about them were under way. */
export interface UnsureNodes {
  readonly nodes: ReadonlySet<NodeId>;
  /** Those from which a name may have gone. */
  readonly directories: ReadonlySet<NodeId>;
}

/** One end of a rename. */
export interface NamePlace {
  readonly parent: NodeId;
  readonly name: Name;
}

export interface RestoredNodes {
  readonly nodes: number;
  /** Those that the kernel refers to and that were not found. */
  readonly lost: readonly Name[];
  /** Whether the rename was found to be done. */
  readonly renamed: boolean;
}

interface KeptNode extends TableNode {
  readonly name: Name;
  readonly openState: OpenState | undefined;
}

/** Bits of a record. The two of the open mode are shifted. */
export const REMOVED = 1;
/** Serves those who opened the file of a lower before it was written; its inode number is the id of UnionNode.successor. */
export const SPLIT = 2;
const MAY_BE_MAPPED = 4;
const CACHE_PASSED = 8;
const REFUSES_BACKING = 16;
export const SUCCESSOR_HAS_NAMES = 32;
/** Reached by a descriptor, though it may have names that this process does not know. */
export const BY_DESCRIPTOR = 64;
const MODE_SHIFT = 7;
/** Bits that are taken here; a file system may use those above. */
export const OPEN_BITS = 9;
const OPEN_MODES = ['closed', 'served', 'backed', 'outdated'] as const;

/** Entries of nodes that are gone, in the store, from which on it is sifted. */
const MOST_STALE = 64;

/** @returns what was known of the opens of a node. */
export function openStateIn({ openCount, writers, backingId, bits }: NodeRecord): OpenState {
  const opens = new OpenState();
  opens.openCount = openCount;
  opens.writers = writers;
  opens.backingId = backingId;
  opens.mode = OPEN_MODES[(bits >>> MODE_SHIFT) & 3]!;
  opens.mayBeMapped = (bits & MAY_BE_MAPPED) !== 0;
  opens.cachePassed = (bits & CACHE_PASSED) !== 0;
  opens.refusesBacking = (bits & REFUSES_BACKING) !== 0;
  return opens;
}

/** Its place in OPEN_MODES, for each open and release. */
function openModeNumber(mode: (typeof OPEN_MODES)[number]): number {
  return mode === 'closed' ? 0 : mode === 'served' ? 1 : mode === 'backed' ? 2 : 3;
}

/** What a file system knows of its nodes. */
export interface NodeDescriber<N> {
  /** Fills what a record has of a node beside its name, its references and its opens. */
  describe(node: N, record: NodeRecord): void;
  /** Writes the record of a node of which nothing is known but where it was found, by a shorter way. @returns false: it is no such node. */
  writeNew?(records: NodeRecords, place: number, node: N): boolean;
}

export class NodeKeeper<N extends KeptNode & { readonly parent: N | undefined }> {
  readonly #table: NodeTable<N>;
  readonly #describer: NodeDescriber<N>;
  readonly #records: NodeRecords;
  readonly #store: OrphanStore;
  readonly #orphans = new Set<number>();
  #stale = 0;
  readonly #record: NodeRecord = {
    nlookup: 0,
    bits: 0,
    parent: 0,
    layer: 0,
    ino: 0,
    openCount: 0,
    writers: 0,
    backingId: 0,
    name: '',
  };

  constructor(table: NodeTable<N>, { records, store, owner }: NodeKeeping, describer: NodeDescriber<N>) {
    this.#table = table;
    this.#records = records;
    this.#store = store;
    this.#describer = describer;
    table.keep(records, owner);
    for (const node of table.values()) {
      if (describer.writeNew?.(records, table.recordPlace(node.id), node) === true) continue;
      this.note(node);
      // Another process has put it in.
      if ((this.#record.bits & BY_DESCRIPTOR) !== 0) this.#orphans.add(node.id);
    }
  }

  /** What is known of the node has changed, but not its name. */
  note(node: N): void {
    const place = this.#table.recordPlace(node.id);
    if (!this.#records.has(place)) {
      this.#writeNamed(node, place);
      return;
    }
    this.#fill(node);
    this.#records.write(place, this.#record);
  }

  /** The kernel gets a reference: the first one makes the record. */
  noteEntered(node: N): void {
    const place = this.#table.recordPlace(node.id);
    if (this.#records.has(place)) this.#records.writeReferences(place, node.nlookup);
    else if (this.#describer.writeNew?.(this.#records, place, node) !== true) this.#writeNamed(node, place);
  }

  noteMoved(node: N): void {
    const place = this.#table.recordPlace(node.id);
    if (this.#records.has(place)) this.#writeNamed(node, place);
  }

  #writeNamed(node: N, place: number): void {
    this.#fill(node);
    this.#record.name = node.name;
    this.#records.writeNamed(place, this.#record);
  }

  /** As it is kept; undefined where there is none. For checks. */
  recordOf(node: N): NodeRecord | undefined {
    const place = this.#table.recordPlace(node.id);
    return this.#records.has(place) ? this.#records.recordAt(place) : undefined;
  }

  noteReferences(node: N): void {
    this.#records.writeReferences(this.#table.recordPlace(node.id), node.nlookup);
  }

  /** The name of an open file is about to go. */
  keepOrphan(node: N, fd: number): void {
    if (this.#orphans.has(node.id)) return;
    if (this.#store.put(node.id, fd) >= 0) this.#orphans.add(node.id);
  }

  /** The file has a name, still or again, or nobody has it open any more. */
  dropOrphan(node: N): void {
    if (!this.#orphans.delete(node.id)) return;
    this.#stale++;
    if (this.#stale < MOST_STALE && this.#orphans.size > 0) return;
    this.#stale = 0;
    this.#store.retain((id) => this.#orphans.has(id));
  }

  #fill(node: N): void {
    const record = this.#record;
    const state = node.openState;
    record.nlookup = node.nlookup;
    record.parent = node.parent?.id ?? 0;
    this.#describer.describe(node, record);
    record.openCount = 0;
    record.writers = 0;
    record.backingId = 0;
    if (state === undefined) return;
    record.openCount = state.openCount;
    record.writers = state.writers;
    record.backingId = state.backingId;
    record.bits |=
      (state.mayBeMapped ? MAY_BE_MAPPED : 0) |
      (state.cachePassed ? CACHE_PASSED : 0) |
      (state.refusesBacking ? REFUSES_BACKING : 0) |
      (openModeNumber(state.mode) << MODE_SHIFT);
  }
}
