/**
 * Nodes of a mirrored directory, and how each is reached.
 *
 * Others change the storage while it is mounted, so a name proves nothing: a node is a device, an inode number and a
 * time of birth. Its O_PATH descriptor stays open while it is in use, pinned while the file is open or its name gone;
 * one that was evicted is opened again by parent and name, and ESTALE says that another object lies there now: the
 * kernel then looks the name up again.
 *
 * INVARIANT: a node is in the table while the kernel holds references or children hang on it.
 */

import { EACCES, ESTALE } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import type { CallerIds } from '../files/caller-ids.js';
import type { CachedDescriptor, DescriptorCache } from '../files/descriptor-cache.js';
import type { OpenFile } from '../files/open-files.js';
import type { SyncFailure } from '../files/sync-failure.js';
import {
  AT_EMPTY_PATH,
  O_NOFOLLOW,
  O_PATH,
  S_IFDIR,
  S_IFMT,
  STATX_BASIC_STATS,
  STATX_BTIME,
} from '../linux/constants.js';
import { close, openat } from '../linux/open.js';
import { Statx, statx } from '../linux/statx.js';
import type { Listing } from '../vfs/listing.js';
import type { Name } from '../vfs/name.js';
import { NO_NODE, type NodeId, ROOT_NODE } from '../vfs/node-id.js';

export class MirrorNode implements CachedDescriptor, OpenFile {
  readonly id: NodeId;
  readonly key: string;
  nlookup = 0;
  children = 0;
  mode = 0;
  parent: MirrorNode | undefined;
  name: Name = '';
  /** The last name was removed through the mount. */
  removed = false;

  fd = -1;
  pinned = false;
  newer: CachedDescriptor | undefined;
  older: CachedDescriptor | undefined;

  openCount = 0;
  backingId = 0;
  opensBacked = false;
  mayBeMapped = false;
  /** Whether an open with a backing file came since the kernel's cache of the file was last dropped. */
  cachePassed = false;
  refusesBacking = false;
  readFd = -1;
  writeFd = -1;
  writeFdAppends = false;
  syncFailure: SyncFailure | undefined;
  hasCapability: boolean | undefined;
  listing: Listing | undefined;

  constructor(id: NodeId, key: string) {
    this.id = id;
    this.key = key;
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
}

/** Identity of what a statx found; it must have asked for STATX_BTIME. */
export function identityOf(stat: Statx): string {
  return `${stat.dev}:${stat.ino}:${stat.btimeSec}.${stat.btimeNsec}`;
}

export const MIRROR_STATX = STATX_BASIC_STATS | STATX_BTIME;

export class MirrorTable {
  readonly #nodes = new Map<number, MirrorNode>();
  readonly #byKey = new Map<string, MirrorNode>();
  readonly #cache: DescriptorCache;
  readonly #callerIds: CallerIds;
  readonly #check = new Statx();
  #next = ROOT_NODE as number;

  constructor(cache: DescriptorCache, callerIds: CallerIds) {
    this.#cache = cache;
    this.#callerIds = callerIds;
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** @throws ESTALE for an id that is not in use. */
  get(id: NodeId): MirrorNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw fsError(ESTALE, 'node', String(id));
    return node;
  }

  find(key: string): MirrorNode | undefined {
    return this.#byKey.get(key);
  }

  has(id: NodeId): boolean {
    return this.#nodes.has(id);
  }

  make(key: string): MirrorNode {
    let id = this.#next;
    while (id === NO_NODE || this.#nodes.has(id)) id = (id + 1) % 2 ** 32;
    this.#next = (id + 1) % 2 ** 32;
    const node = new MirrorNode(id as NodeId, key);
    this.#nodes.set(id, node);
    this.#byKey.set(key, node);
    return node;
  }

  /** The node is found by another name from now on. */
  place(node: MirrorNode, parent: MirrorNode, name: Name): void {
    if (node.parent === parent && node.name === name) return;
    parent.children++;
    if (node.parent !== undefined) node.parent.children--;
    node.parent = parent;
    node.name = name;
  }

  /** The O_PATH descriptor of the node. @throws ESTALE when another object has its name. */
  descriptor(node: MirrorNode): number {
    if (node.fd >= 0) {
      this.#cache.touch(node);
      return node.fd;
    }
    if (node.parent === undefined) throw fsError(ESTALE, 'descriptor');
    const parent = this.descriptor(node.parent);
    let opened = openat(parent, node.name, O_PATH | O_NOFOLLOW);
    // Whoever asks has reached it before the directories above were closed to him.
    if (opened === -EACCES)
      opened = this.#callerIds.asSelf(() => openat(parent, node.name, O_PATH | O_NOFOLLOW));
    const fd = check(opened, 'openat', node.name);
    const result = statx(fd, '', AT_EMPTY_PATH, MIRROR_STATX, this.#check);
    if (result < 0 || identityOf(this.#check) !== node.key) {
      close(fd);
      throw fsError(ESTALE, 'openat', node.name);
    }
    node.fd = fd;
    this.#cache.add(node);
    if (node.openCount > 0) this.#pin(node, undefined);
    return fd;
  }

  /** The node has this O_PATH descriptor from now on, whatever lies under its name. */
  adopt(node: MirrorNode, fd: number): void {
    if (node.fd >= 0) {
      close(fd);
      return;
    }
    node.fd = fd;
    this.#cache.add(node);
  }

  /**
   * Keeps the descriptor open for a user: the object must stay reachable without its name.
   * @throws FsError, EMFILE when he makes us keep too many.
   */
  pin(node: MirrorNode, uid: number | undefined): void {
    if (node.pinned) return;
    this.#cache.held.assertRoom(uid, 'open');
    this.descriptor(node);
    this.#pin(node, uid);
  }

  /** The same for an object whose name is about to go, which nobody has open as a rule. */
  pinRemoved(node: MirrorNode, uid: number | undefined): void {
    if (node.pinned) return;
    this.#cache.held.assertShortRoom('unlink');
    this.descriptor(node);
    this.#pin(node, uid);
  }

  #pin(node: MirrorNode, uid: number | undefined): void {
    this.#cache.pin(node);
    this.#cache.held.hold(node.fd, uid);
  }

  unpin(node: MirrorNode): void {
    if (node.removed || !node.pinned || node.parent === undefined) return;
    node.pinned = false;
    this.#cache.held.forget(node.fd);
    this.#cache.add(node);
  }

  /** Takes out a node whose last reference went, and parents that only it held. @returns those taken out. */
  release(node: MirrorNode, closeNode: (node: MirrorNode) => void): void {
    let at: MirrorNode | undefined = node;
    while (at !== undefined && at.nlookup === 0 && at.children === 0 && at.parent !== undefined) {
      const parent: MirrorNode = at.parent;
      this.#nodes.delete(at.id);
      if (this.#byKey.get(at.key) === at) this.#byKey.delete(at.key);
      closeNode(at);
      this.#cache.drop(at);
      parent.children--;
      at = parent;
    }
  }

  /** Each node but the root by the directory and name where it was found last. */
  *places(): Generator<{ readonly directory: NodeId; readonly name: Name }> {
    for (const { parent, name } of this.#nodes.values()) {
      if (parent !== undefined) yield { directory: parent.id, name };
    }
  }

  values(): IterableIterator<MirrorNode> {
    return this.#nodes.values();
  }
}
