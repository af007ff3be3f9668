/**
 * What the kernel remembers of a file system: inodes with their attributes, and names with how long they hold.
 *
 * Linux: fs/fuse/dir.c:fuse_dentry_revalidate(), fuse_update_attributes(), fs/dcache.c v6.18.
 * INVARIANT: an inode is in the table while a name leads to it, it is open, or a name that it holds leads somewhere; then its
 * references are given back by one `forget`.
 */

import { ENOENT } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import { S_IFDIR, S_IFMT } from '../../../src/linux/constants.js';
import { Attr, Entry } from '../../../src/vfs/attr.js';
import type { Name } from '../../../src/vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../../src/vfs/node-id.js';
import type { Credentials, Kernel } from './kernel.js';

export class Inode {
  readonly node: NodeId;
  readonly attr = new Attr();
  /** Until when `attr` may be believed, by the clock of the cache. */
  attrUntilMs = 0;
  /** References that the file system has counted for us. */
  lookups = 0;
  opens = 0;
  /** Those of them that may write. */
  writers = 0;
  names = 0;
  /** A directory that was removed: nothing can be made in it. */
  isDead = false;
  readonly children = new Map<Name, Dentry>();
  /** The last name that led here; a directory has no other. */
  dentry: Dentry | undefined;

  constructor(node: NodeId) {
    this.node = node;
  }

  get isDirectory(): boolean {
    return (this.attr.mode & S_IFMT) === S_IFDIR;
  }

  invalidate(): void {
    this.attrUntilMs = 0;
  }
}

interface Dentry {
  readonly parent: Inode;
  readonly name: Name;
  /** Undefined: the name is known to be free. */
  readonly inode: Inode | undefined;
  untilMs: number;
}

export class InodeCache {
  readonly root = new Inode(ROOT_NODE);
  readonly #kernel: Kernel;
  readonly #inodes = new Map<NodeId, Inode>([[ROOT_NODE, this.root]]);
  readonly #entry = new Entry();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.root.attr.mode = S_IFDIR;
  }

  /** Inodes that are known, without the root. */
  get size(): number {
    return this.#inodes.size - 1;
  }

  get(node: NodeId): Inode | undefined {
    return this.#inodes.get(node);
  }

  inodes(): IterableIterator<Inode> {
    return this.#inodes.values();
  }

  /** The name's inode, asked for when it is not known. @param fresh what is known does not count. */
  lookup(who: Credentials, parent: Inode, name: Name, fresh: boolean): Inode | undefined {
    if (parent.isDead) throw fsError(ENOENT, 'lookup');
    const known = parent.children.get(name);
    if (known !== undefined && !fresh && known.untilMs > performance.now()) return known.inode;
    const entry = this.#entry;
    const found = this.#kernel.request(who, (fs) => fs.lookup(parent.node, name, entry));
    if (!found) {
      this.drop(parent, name);
      parent.children.set(name, { parent, name, inode: undefined, untilMs: performance.now() + entry.ttlMs });
      return undefined;
    }
    return this.enter(parent, name, entry);
  }

  /** Takes in an entry that the file system gave, with its reference. */
  enter(parent: Inode, name: Name, entry: Entry): Inode {
    const inode = this.adopt(entry);
    const known = parent.children.get(name);
    if (known?.inode === inode) {
      known.untilMs = performance.now() + entry.ttlMs;
      return inode;
    }
    // Before the older name goes: it may be all that holds the directory.
    inode.names++;
    this.drop(parent, name);
    if (inode.isDirectory && inode.dentry !== undefined) this.drop(inode.dentry.parent, inode.dentry.name);
    const dentry = { parent, name, inode, untilMs: performance.now() + entry.ttlMs };
    parent.children.set(name, dentry);
    inode.dentry = dentry;
    return inode;
  }

  /** The same of an entry without a name. */
  adopt(entry: Entry): Inode {
    let inode = this.#inodes.get(entry.nodeId);
    if (inode === undefined) {
      inode = new Inode(entry.nodeId);
      this.#inodes.set(entry.nodeId, inode);
    }
    if (inode !== this.root) inode.lookups++;
    this.learn(inode, entry.attr);
    return inode;
  }

  learn(inode: Inode, attr: Attr): void {
    Object.assign(inode.attr, attr);
    inode.attrUntilMs = performance.now() + attr.ttlMs;
  }

  /** The attributes, asked for when they are not known. */
  attributes(who: Credentials, inode: Inode): Attr {
    if (inode.attrUntilMs > performance.now()) return inode.attr;
    const attr = this.#kernel.scratchAttr;
    this.#kernel.request(who, (fs) => fs.getattr(inode.node, undefined, attr));
    this.learn(inode, attr);
    return inode.attr;
  }

  /** Forgets a name, and all below it. */
  drop(parent: Inode, name: Name): void {
    const dentry = parent.children.get(name);
    if (dentry === undefined) return;
    parent.children.delete(name);
    const { inode } = dentry;
    if (inode === undefined) return;
    if (inode.dentry === dentry) inode.dentry = undefined;
    inode.names--;
    if (inode.names === 0) this.#dropChildren(inode);
    this.release(inode);
  }

  #dropChildren(inode: Inode): void {
    for (const name of [...inode.children.keys()]) this.drop(inode, name);
  }

  /** A name goes from one place to another, over what was there. */
  move(from: { parent: Inode; name: Name }, to: { parent: Inode; name: Name }): void {
    const dentry = from.parent.children.get(from.name);
    this.drop(to.parent, to.name);
    if (dentry === undefined) return;
    const moved = { ...dentry, parent: to.parent, name: to.name };
    to.parent.children.set(to.name, moved);
    from.parent.children.delete(from.name);
    if (dentry.inode !== undefined) dentry.inode.dentry = moved;
    this.release(from.parent);
  }

  /** Two names change places. */
  exchange(one: { parent: Inode; name: Name }, other: { parent: Inode; name: Name }): void {
    const [mine, theirs] = [one.parent.children.get(one.name), other.parent.children.get(other.name)];
    if (mine?.inode === undefined || theirs?.inode === undefined) throw fsError(ENOENT, 'rename');
    const first = { ...theirs, parent: one.parent, name: one.name };
    const second = { ...mine, parent: other.parent, name: other.name };
    one.parent.children.set(one.name, first);
    other.parent.children.set(other.name, second);
    theirs.inode.dentry = first;
    mine.inode.dentry = second;
  }

  /** Gives back the references of an inode that nothing holds any more, and of those that only it held. */
  release(inode: Inode): void {
    if (inode === this.root || inode.names > 0 || inode.opens > 0) return;
    if ([...inode.children.values()].some((child) => child.inode !== undefined)) return;
    if (!this.#inodes.delete(inode.node)) return;
    const { node, lookups } = inode;
    this.#kernel.forget(node, lookups);
  }

  /** Forgets all names, as the kernel does when memory is short; what is open stays. */
  shrink(): void {
    this.#dropChildren(this.root);
  }
}
