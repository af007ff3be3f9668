/**
 * Paths to nodes: the names that were looked up, as a tree that follows rename and unlink.
 *
 * A name holds the references that its lookups gave; it gives them back when it leaves the tree, but not while a handle
 * pins it or a request is parked (the kernel would hold a reference too). Names are trusted as long as their entry said:
 * those of a bind, whose time to live is 0, are looked up each time. Missing names are not kept.
 *
 * INVARIANT: `nlookup` of a name is what `fs.forget` will be given; the root has none and is never given back.
 * INVARIANT: no name is swept between `resolve` and the end of an operation: `sweep()` is called between operations.
 */

import { ENOENT } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { Entry, TTL_FOREVER } from '../../vfs/attr.js';
import type { FileSystem } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';

/** One name of the tree. Only PathTree writes it. */
export class PathNode {
  id: NodeId;
  parent: PathNode | undefined;
  name: Name;
  nlookup = 1;
  validUntilMs = 0;
  /** Open handles. */
  pins = 0;
  /** Made by the first child. */
  children: Map<Name, PathNode> | undefined;

  constructor(id: NodeId, parent: PathNode | undefined, name: Name) {
    this.id = id;
    this.parent = parent;
    this.name = name;
  }
}

export class PathTree {
  readonly #fs: FileSystem;
  readonly #limit: number;
  readonly #now: () => number;
  readonly #root = new PathNode(ROOT_NODE, undefined, '');
  readonly #entry = new Entry();
  #size = 0;
  #parked = 0;
  #left: PathNode[] = [];

  /** @param limit how many names are kept before those that nobody uses are given up. */
  constructor(fs: FileSystem, limit: number, now: () => number = () => performance.now()) {
    this.#fs = fs;
    this.#limit = limit;
    this.#now = now;
  }

  /** Names in the tree, without the root. */
  get size(): number {
    return this.#size;
  }

  /** @throws ENOENT, and what the lookups throw. */
  resolve(names: readonly Name[]): PathNode {
    let node = this.#root;
    for (const name of names) node = this.#child(node, name);
    return node;
  }

  /** A name just made, whose entry gave one reference. */
  entered(parent: PathNode, name: Name, entry: Entry): PathNode {
    const known = parent.children?.get(name);
    if (known?.id === entry.nodeId) {
      known.nlookup++;
      known.validUntilMs = this.#validUntil(entry.ttlMs);
      return known;
    }
    if (known !== undefined) this.#leave(known);
    const node = new PathNode(entry.nodeId, parent, name);
    node.validUntilMs = this.#validUntil(entry.ttlMs);
    parent.children ??= new Map();
    parent.children.set(name, node);
    this.#size++;
    return node;
  }

  /** The name is gone. */
  removed(parent: PathNode, name: Name): void {
    const node = parent.children?.get(name);
    if (node !== undefined) this.#leave(node);
  }

  /** The name has moved, with all below it, and replaced what had the new name. */
  moved(from: PathNode, name: Name, to: PathNode, newName: Name): void {
    const node = from.children?.get(name);
    const replaced = to.children?.get(newName);
    // Two hard links of one file: rename(2) does nothing, and both names stay.
    if (node !== undefined && replaced !== undefined && node.id === replaced.id) return;
    if (replaced !== undefined) this.#leave(replaced);
    if (node === undefined) return;
    from.children?.delete(name);
    node.parent = to;
    node.name = newName;
    to.children ??= new Map();
    to.children.set(newName, node);
  }

  pin(node: PathNode): void {
    node.pins++;
  }

  unpin(node: PathNode): void {
    node.pins--;
    if (node.pins === 0 && node.parent === undefined && node !== this.#root) this.#forget(node);
  }

  /** While requests are parked, nodes that they may have named are kept. */
  parked(count: number): void {
    this.#parked = count;
    if (count > 0 || this.#left.length === 0) return;
    const left = this.#left;
    this.#left = [];
    for (const node of left) this.#forget(node);
  }

  /** Gives up names that nobody uses when there are too many; all of them when `all`. */
  sweep({ all }: { readonly all: boolean } = { all: false }): void {
    if (this.#size <= this.#limit && !all) return;
    this.#sweepBelow(this.#root);
  }

  #child(parent: PathNode, name: Name): PathNode {
    const known = parent.children?.get(name);
    if (known !== undefined && known.validUntilMs > this.#now()) return known;
    if (!this.#fs.lookup(parent.id, name, this.#entry)) {
      if (known !== undefined) this.#leave(known);
      throw fsError(ENOENT, 'lookup', name);
    }
    return this.entered(parent, name, this.#entry);
  }

  #validUntil(ttlMs: number): number {
    if (ttlMs === 0) return 0;
    return ttlMs === TTL_FOREVER ? Number.POSITIVE_INFINITY : this.#now() + ttlMs;
  }

  #sweepBelow(parent: PathNode): void {
    for (const node of parent.children?.values() ?? []) {
      this.#sweepBelow(node);
      if (node.pins === 0 && (node.children === undefined || node.children.size === 0)) this.#leave(node);
    }
  }

  /** Takes a name out of the tree, with all below it. */
  #leave(node: PathNode): void {
    for (const child of node.children?.values() ?? []) this.#leave(child);
    node.parent?.children?.delete(node.name);
    node.parent = undefined;
    this.#size--;
    if (node.pins === 0) this.#forget(node);
  }

  #forget(node: PathNode): void {
    if (this.#parked > 0) this.#left.push(node);
    else this.#fs.forget(node.id, node.nlookup);
  }
}
