/**
 * Makes the nodes of a union anew of the records that another process has left (node-keeper.ts), under the same ids.
 *
 * A file of which nothing but a lookup and opens is known is made of its record alone, where nothing was under way that may have changed it:
 * nobody else changes layers. Any other node is looked up by its name in its parent, as when the kernel asked for it; what a rename that
 * was under way has moved is found at its other end. A file without a name is reached by its kept descriptor, or stays where it is in its layer.
 * What is found no more is gone for the kernel too: requests for it are ESTALE, upon which it looks names up again.
 */

import { EOPNOTSUPP } from '../../../errno/errno.js';
import { FsError } from '../../../errno/fs-error.js';
import { O_PATH, S_IFDIR, S_IFMT } from '../../../linux/constants.js';
import { FILE_HANDLE_MAX_BYTES, nameToHandleAt, openByHandleAt } from '../../../linux/files/handle.js';
import { close } from '../../../linux/files/open.js';
import { Statx } from '../../../linux/files/statx.js';
import {
  BY_DESCRIPTOR,
  type LeftBehind,
  type NamePlace,
  openStateIn,
  REMOVED,
  type RestoredNodes,
  SPLIT,
  SUCCESSOR_HAS_NAMES,
} from '../../../realfs/node-keeper.js';
import type { Name } from '../../../vfs/name.js';
import type { NodeId } from '../../../vfs/node-id.js';
import { type NodeRecord, TELLS_ALL } from '../../../vfs/node-records.js';
import type { Layer } from '../../stack/layer.js';
import { statDescriptor } from '../../stack/layer-stack.js';
import { Found } from '../found.js';
import { attachNode, lookupNode } from '../lookup.js';
import type { UnionNode } from '../node.js';
import type { UnionState } from '../union-state.js';
import { modeIn, protectionInBits } from './described-node.js';

/** How many numbers one device has: vfs/inode-numbers.ts. */
const DEVICE_NUMBERS = 2 ** 48;

const looked = new Found();
const stat = new Statx();

const handle = Buffer.alloc(FILE_HANDLE_MAX_BYTES);

/** The same file by the layer's own mount, without which it cannot be linked; the one that is given where there is no way. */
function ofOwnMount(layer: Layer, fd: number): number {
  const length = layer.hasHandles ? nameToHandleAt(fd, '', handle) : -EOPNOTSUPP;
  const own = length < 0 ? length : openByHandleAt(layer.handleDescriptor(), handle, O_PATH);
  if (own < 0) return fd;
  close(fd);
  return own;
}

/** PRECONDITION: the union was just made and is served by nobody. */
export function restoreNodes(state: UnionState, left: LeftBehind): RestoredNodes {
  return new Restoring(state, left).run();
}

class Restoring {
  readonly #state: UnionState;
  readonly #left: LeftBehind;
  /** Records of nodes that are looked up. */
  readonly #records = new Map<NodeId, NodeRecord>();
  readonly #lost = new Set<NodeId>();
  /** Orphans whose descriptors are in use. */
  readonly #used = new Set<number>();
  #renamed = false;

  constructor(state: UnionState, left: LeftBehind) {
    this.#state = state;
    this.#left = left;
  }

  run(): RestoredNodes {
    const { nextId, records } = this.#left;
    let last = nextId - 1;
    let nodes = 0;
    const lost: Name[] = [];
    const certain: [NodeId, NodeRecord][] = [];
    for (const one of records) {
      const [id, record] = one;
      last = Math.max(last, id);
      if (this.#isCertain(id, record)) certain.push(one as [NodeId, NodeRecord]);
      else this.#records.set(id, record);
    }
    for (const [id, record] of certain) {
      const node = this.#ofRecord(id, record);
      if (node === undefined) {
        this.#records.set(id, record);
        continue;
      }
      nodes++;
      this.#resumeOpens(node, record);
    }
    for (const [id, record] of this.#records) {
      if (record.nlookup === 0 && record.openCount === 0) continue;
      const node = this.#nodeOf(id);
      if (node === undefined) {
        lost.push(record.name);
        continue;
      }
      nodes++;
      if (!node.isDirectory) this.#resumeOpens(node, record);
    }
    this.#state.nodes.table.continueFrom((last + 1) as NodeId);
    for (const [id, fd] of this.#left.orphans) if (!this.#used.has(id)) close(fd);
    return { nodes, lost, renamed: this.#renamed };
  }

  #nodeOf(id: NodeId): UnionNode | undefined {
    const { table } = this.#state.nodes;
    const known = table.find(id);
    if (known !== undefined || this.#lost.has(id)) return known;
    const record = this.#records.get(id);
    const parent = record && this.#nodeOf(record.parent as NodeId);
    const made = parent?.isDirectory === true ? this.#make(id, record!, parent) : undefined;
    if (made?.id === id) {
      // At once: what nobody refers to goes with the next that is not found.
      made.nlookup = record!.nlookup;
      if ((record!.bits & SPLIT) === 0) made.ino = record!.ino;
      return made;
    }
    this.#lost.add(id);
    return undefined;
  }

  #isCertain(id: NodeId, record: NodeRecord): boolean {
    const { unsure } = this.#left;
    return (
      (record.bits & TELLS_ALL) !== 0 &&
      (record.nlookup > 0 || record.openCount > 0) &&
      !this.#state.isLive &&
      !unsure.nodes.has(id) &&
      !unsure.directories.has(record.parent as NodeId) &&
      this.#otherEnd(record) === undefined
    );
  }

  /** @returns undefined where the name has to be looked up. */
  #ofRecord(id: NodeId, record: NodeRecord): UnionNode | undefined {
    const { nodes, stack } = this.#state;
    const layer = stack.layers[record.layer];
    const parent = this.#nodeOf(record.parent as NodeId);
    if (layer === undefined || parent?.isDirectory !== true) return undefined;
    const realIno = record.ino - layer.inodeBase;
    // Numbers may be shifted otherwise where layers have changed their places.
    if (realIno <= 0 || realIno >= DEVICE_NUMBERS || nodes.ofObject(layer, realIno) !== undefined)
      return undefined;
    nodes.table.continueFrom(id);
    const node = nodes.make(layer, realIno, undefined);
    if (!layer.writable) {
      node.protection = protectionInBits(record.bits);
      nodes.shownNumbers.ofLower(record.ino);
    }
    node.mode = modeIn(record.bits);
    node.nlookup = record.nlookup;
    node.parent = parent;
    node.name = record.name;
    parent.children++;
    nodes.index(node, 'object');
    return node;
  }

  #make(id: NodeId, record: NodeRecord, parent: UnionNode): UnionNode | undefined {
    try {
      if ((record.bits & (REMOVED | SPLIT | BY_DESCRIPTOR)) !== 0 || record.name === '')
        return this.#orphan(id, record, parent);
      const there = this.#lookup(id, parent, record.name);
      const other = this.#otherEnd(record);
      if (other === undefined || there?.ino === record.ino) return there ?? this.#orphan(id, record, parent);
      // A rename was under way.
      if (there?.id === id) this.#state.release(there);
      const directory = this.#nodeOf(other.parent);
      const moved = directory?.isDirectory === true ? this.#lookup(id, directory, other.name) : undefined;
      if (moved?.ino === record.ino) {
        this.#renamed = true;
        return moved;
      }
      if (moved?.id === id) this.#state.release(moved);
      return this.#orphan(id, record, parent);
    } catch (error) {
      if (error instanceof FsError) return undefined;
      throw error;
    }
  }

  #lookup(id: NodeId, parent: UnionNode, name: Name): UnionNode | undefined {
    this.#state.nodes.table.continueFrom(id);
    return lookupNode(this.#state, parent, name, looked);
  }

  #otherEnd({ parent, name }: NodeRecord): NamePlace | undefined {
    const ends = this.#left.rename;
    if (ends === undefined) return undefined;
    const at = ends.findIndex((end) => end.parent === parent && end.name === name);
    return at < 0 ? undefined : ends[1 - at];
  }

  /** A file whose name is gone. */
  #orphan(id: NodeId, record: NodeRecord, parent: UnionNode): UnionNode | undefined {
    const state = this.#state;
    const fd = this.#left.orphans.get(id) ?? -1;
    const layers = state.stack.layers;
    const layer = layers[record.layer];
    if (layer === undefined) return undefined;
    const isFound =
      fd >= 0 ? statDescriptor(fd, stat) === 0 : this.#statInLayer(parent, record) && !layer.writable;
    if (!isFound || (stat.mode & S_IFMT) === S_IFDIR) return undefined;
    state.nodes.table.continueFrom(id);
    const node = attachNode(state, parent, record.name, { layer, ino: record.ino, stat, byName: false });
    node.removed = stat.nlink === 0 || !layer.writable || (record.bits & REMOVED) !== 0;
    if (node.removed || (record.bits & SPLIT) !== 0) state.nodes.unindex(node);
    if (fd >= 0) {
      this.#used.add(id);
      node.orphanFd = state.hold(ofOwnMount(layer, fd));
    }
    if ((record.bits & SPLIT) !== 0) this.#joinSuccessor(node, record);
    return node;
  }

  #joinSuccessor(node: UnionNode, { ino, bits }: NodeRecord): void {
    const successor = this.#nodeOf(ino as NodeId);
    if (successor === undefined) return;
    node.ino = successor.ino;
    node.successor = successor;
    node.successorHasNames = (bits & SUCCESSOR_HAS_NAMES) !== 0;
    successor.children++;
  }

  #statInLayer(parent: UnionNode, { layer, name }: NodeRecord): boolean {
    const home = parent.dirs?.find((dir) => dir.layer.index === layer);
    return home !== undefined && this.#state.stack.statName(home, name, stat);
  }

  #resumeOpens(node: UnionNode, record: NodeRecord): void {
    const opens = openStateIn(record);
    if (!opens.isBlank) this.#state.files.resume(node, opens);
  }
}
