/**
 * Nodes of a mirrored directory, and how each is reached.
 *
 * Others change the storage while it is mounted, so a name proves nothing: a node is a device, an inode number and a
 * time of birth. Its O_PATH descriptor stays open while it is in use, pinned while the file is open or its name gone;
 * one that was evicted is opened again by parent and name, and ESTALE says that another object lies there now: the
 * kernel then looks the name up again.
 */

import { EACCES, EREMOTE, ESTALE } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_STATX_DONT_SYNC,
  AT_SYMLINK_NOFOLLOW,
  O_NOFOLLOW,
  O_PATH,
  S_IFDIR,
  S_IFMT,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_MNT_ID,
  STATX_MNT_ID_UNIQUE,
} from '../../linux/constants.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import type { CallerIds } from '../../realfs/caller-ids.js';
import type { CachedDescriptor, DescriptorCache } from '../../realfs/descriptor-cache.js';
import { BY_DESCRIPTOR, NodeKeeper, type NodeKeeping, REMOVED } from '../../realfs/node-keeper.js';
import type { OpenFile } from '../../realfs/open-files.js';
import type { OpenState } from '../../realfs/open-state.js';
import type { Session } from '../../vfs/file-system.js';
import type { Listing } from '../../vfs/listing.js';
import type { Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';
import { nodePath } from '../../vfs/node-path.js';
import type { NodeRecord } from '../../vfs/node-records.js';
import { NodeTable, type TableNode } from '../../vfs/node-table.js';
import { SlicedWork } from '../../vfs/sliced-work.js';
import type { MirrorOptions } from './mirror-options.js';

export class MirrorNode implements CachedDescriptor, OpenFile, TableNode {
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

  openState: OpenState | undefined;
  listing: Listing | undefined;
  /** Whether the last list took more than a slice. */
  listsLong = false;

  constructor(id: NodeId, key: string) {
    this.id = id;
    this.key = key;
  }

  /** Opens that were not released. */
  get openCount(): number {
    return this.openState?.openCount ?? 0;
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
}

/** Identity of what a statx found; it must have asked for STATX_BTIME. */
export function objectIdentity(stat: Statx): string {
  return `${stat.dev}:${stat.ino}:${stat.btimeSec}.${stat.btimeNsec}`;
}

/** Fills what its record has of the object of a node: its inode number, and something of all of its identity. */
export function describeObject(key: string, record: NodeRecord): void {
  const from = key.indexOf(':') + 1;
  record.ino = Number(key.slice(from, key.indexOf(':', from)));
  let mark = 0;
  for (let at = 0; at < key.length; at++) mark = (mark * 31 + key.charCodeAt(at)) & 0xffff;
  record.layer = mark;
}

const describer = {
  describe(node: MirrorNode, record: NodeRecord): void {
    record.bits = node.removed ? REMOVED | BY_DESCRIPTOR : 0;
    describeObject(node.key, record);
  },
};

/** The id of the mount is told, whichever the kernel has. */
export const MIRROR_STATX = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_MNT_ID_UNIQUE;

export class MirrorTable {
  readonly listings = new SlicedWork<Listing>();
  readonly #nodes = new NodeTable<MirrorNode>();
  readonly #byKey = new Map<string, MirrorNode>();
  readonly #cache: DescriptorCache;
  readonly #callerIds: CallerIds;
  readonly #mayCross: MirrorOptions['mayCross'];
  readonly #flags: number;
  readonly #check = new Statx();
  /** Keeps what a process that takes the mount over needs; undefined where none will. */
  #keeper: NodeKeeper<MirrorNode> | undefined;

  constructor({ descriptors, callerIds, mayCross }: MirrorOptions) {
    this.#cache = descriptors;
    this.#callerIds = callerIds;
    this.#mayCross = mayCross;
    this.#flags = mayCross === undefined ? 0 : AT_STATX_DONT_SYNC;
  }

  /**
   * What lies under a name in a directory of this mirror. @returns 0, or a negated errno.
   * @throws EREMOTE where something is mounted that could hold up all of the mount.
   */
  lookAt(parent: MirrorNode, name: Name, out: Statx): number {
    const result = statx(this.descriptor(parent), name, AT_SYMLINK_NOFOLLOW | this.#flags, MIRROR_STATX, out);
    if (result === 0 && this.#mayCross?.(out) === false) throw fsError(EREMOTE, 'lookup', name);
    return result;
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** @throws ESTALE for an id that is not in use. */
  get(id: NodeId): MirrorNode {
    return this.#nodes.get(id);
  }

  pathOf(id: NodeId): Name | undefined {
    const node = this.#nodes.find(id);
    return node && nodePath(node);
  }

  byId(id: NodeId): MirrorNode | undefined {
    return this.#nodes.find(id);
  }

  find(key: string): MirrorNode | undefined {
    return this.#byKey.get(key);
  }

  keep(keeping: NodeKeeping | undefined): void {
    this.#keeper = keeping && new NodeKeeper(this.#nodes, keeping, describer);
  }

  /** What is known of the node has changed, but not its name. */
  note(node: MirrorNode): void {
    this.#keeper?.note(node);
  }

  /** The kernel gets a reference. */
  enter(node: MirrorNode): void {
    node.nlookup++;
    this.#keeper?.noteEntered(node);
  }

  /** The kernel gives references back. @returns the node when it was the last of them. */
  forget(id: NodeId, count: number): MirrorNode | undefined {
    const last = this.#nodes.forget(id, count);
    const node = last ?? (this.#keeper === undefined ? undefined : this.#nodes.find(id));
    if (node !== undefined) this.#keeper?.noteReferences(node);
    return last;
  }

  /** The id that the next node gets, unless one has it. */
  get nextId(): NodeId {
    return this.#nodes.nextId;
  }

  /** The next node gets this id, unless one has it. */
  continueFrom(id: NodeId): void {
    this.#nodes.continueFrom(id);
  }

  make(key: string, session?: Session): MirrorNode {
    const node = this.#nodes.add(session, (id) => new MirrorNode(id, key));
    this.#byKey.set(key, node);
    return node;
  }

  /** The node is found by another name from now on. */
  setName(node: MirrorNode, parent: MirrorNode, name: Name): void {
    if (node.parent === parent && node.name === name) return;
    const old = node.parent;
    parent.children++;
    node.parent = parent;
    node.name = name;
    this.#keeper?.noteMoved(node);
    if (old === undefined) return;
    old.children--;
    // A directory that was removed may have been known for the sake of this node alone; it has nothing open.
    this.release(old, () => undefined);
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
    const result = statx(fd, '', AT_EMPTY_PATH | this.#flags, MIRROR_STATX, this.#check);
    if (result < 0 || objectIdentity(this.#check) !== node.key) {
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

  /** The same for one that a user is about to have open: `assertRoom()` was asked before. */
  adoptPinned(node: MirrorNode, fd: number, uid: number | undefined): void {
    this.adopt(node, fd);
    if (!node.pinned) this.#pin(node, uid);
  }

  /** @throws EMFILE when the user makes us keep too many descriptors to have another one. */
  assertRoom(uid: number | undefined, op: string): void {
    this.#cache.held.assertRoom(uid, op);
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

  /** An open file is going to have no name. */
  keepRemoved(node: MirrorNode): void {
    if (node.openCount > 0) this.#keeper?.keepOrphan(node, this.descriptor(node));
  }

  /** The file has a name, still or again. */
  noteNamed(node: MirrorNode): void {
    if (this.#keeper === undefined) return;
    this.#keeper.dropOrphan(node);
    this.#keeper.note(node);
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

  /** Leaves the node's descriptor to the caller; -1 when it has none. */
  takeDescriptor(node: MirrorNode): number {
    return this.#cache.take(node);
  }

  /** Takes out a node that nothing refers to any more, and parents that only it kept. */
  release(node: MirrorNode, closeNode: (node: MirrorNode) => void): void {
    this.#nodes.release(node, (one) => {
      if (this.#byKey.get(one.key) === one) this.#byKey.delete(one.key);
      closeNode(one);
      this.#keeper?.dropOrphan(one);
      this.#cache.drop(one);
    });
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
