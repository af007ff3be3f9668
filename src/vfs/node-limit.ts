/**
 * Keeps the nodes of a file system within the memory of the thread that serves it.
 *
 * The kernel remembers names as long as it has memory, and for each the thread has a node on its own heap, which is smaller
 * and shared with other file systems. So when there are many, or half of the heap is in use, the kernel is asked to forget
 * those that nobody uses, the oldest first. What is in use, by open files, working directories and watches, stays: where
 * that fills the heap nothing new is made known, since a thread without memory ends, and the mount with it. The last of it
 * is not for a user who has most of the names: others find room.
 */

import { getHeapStatistics } from 'node:v8';
import { resourceLimits } from 'node:worker_threads';
import { ENOMEM } from '../errno/errno.js';
import { fsError } from '../errno/fs-error.js';
import type { Session } from './file-system.js';
import type { NodeId } from './node-id.js';

/** Nodes that one notification names. */
export const MOST_PRUNED = 2048;
/** New nodes between two looks: fewer than are pruned then. */
const BETWEEN = 1024;
const MOST_NODES = 1_000_000;
/**
 * Shares of the heap: from where on nodes are pruned, where there is no room for who has most of them, and where there is
 * none for anybody. Garbage counts too, but is collected before it comes to more than half of what is left.
 */
const FULL = 0.5;
const CROWDED = 0.8;
const OVERFULL = 0.9;

export interface LimitedNode {
  readonly id: NodeId;
  readonly nlookup: number;
  readonly children: number;
  readonly openCount: number;
}

interface Nodes {
  readonly size: number;
  /** The user other than root who has had most of them made. */
  readonly largestUser: number | undefined;
  /** From the oldest on. */
  limited(): IterableIterator<LimitedNode>;
}

/** How much of the heap is in use, from 0 to 1. */
function heapInUse(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  const { maxOldGenerationSizeMb: old = 0 } = resourceLimits;
  // The limit counts what is just made too, which does not stay.
  return used / (old > 0 ? old * 2 ** 20 : limit);
}

export class NodeLimit {
  readonly #nodes: Nodes;
  readonly #inUse: () => number;
  #hand: IterableIterator<LimitedNode> | undefined;
  #made = 0;
  /** The user that gets no more as long as it is crowded. */
  #refused: number | undefined;

  constructor(nodes: Nodes, inUse: () => number = heapInUse) {
    this.#nodes = nodes;
    this.#inUse = inUse;
  }

  /** Before a node is made. @throws ENOMEM when nothing more fits, or no more of this user's. */
  makeRoom(session: Session | undefined): void {
    this.#made++;
    if (session === undefined) return;
    const uid = session.caller?.uid;
    const isRefused = this.#refused !== undefined && uid === this.#refused;
    if (this.#made % BETWEEN !== 0 && !isRefused) return;
    const share = this.#inUse();
    this.#refused = share < CROWDED ? undefined : this.#nodes.largestUser;
    if (share < FULL && this.#nodes.size < MOST_NODES) return;
    if (this.#made % BETWEEN === 0) this.#prune(session);
    if (share < OVERFULL && (this.#refused === undefined || uid !== this.#refused)) return;
    // The next one is looked at again.
    this.#made--;
    throw fsError(ENOMEM, 'lookup', `${this.#nodes.size} names are known`);
  }

  #prune(session: Session): void {
    const old = this.#oldest();
    if (old.length > 0) session.pruneNodes(old);
  }

  /** Those that were not asked for last time; the hand goes round. */
  #oldest(): NodeId[] {
    const found: NodeId[] = [];
    this.#hand ??= this.#nodes.limited();
    for (let looked = 0; found.length < MOST_PRUNED && looked < MOST_PRUNED * 4; looked++) {
      const next = this.#hand.next();
      if (next.done === true) {
        this.#hand = undefined;
        break;
      }
      const { id, nlookup, children, openCount } = next.value;
      if (nlookup > 0 && children === 0 && openCount === 0) found.push(id);
    }
    return found;
  }
}
