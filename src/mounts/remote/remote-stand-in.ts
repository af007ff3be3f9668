/**
 * What the session loop has in place of a file system that a thread of its own serves: the root's attributes as they
 * were last seen, and a way to ask the thread while targets of mounts are resolved. Requests of the kernel never come
 * here (engine/remote), but for FORGET, which passes through.
 */

import { EIO } from '../../errno/errno.js';
import type { Attr, Entry } from '../../vfs/attr.js';
import type { Name } from '../../vfs/name.js';
import { type NodeId, nodeId, nodeLocal, ROOT_NODE } from '../../vfs/node-id.js';
import { RefusingFileSystem } from './refusing-file-system.js';

/** The thread; node ids have the owner in front. */
export interface RemoteThread {
  /** @returns undefined when there is no such name. @throws FsError, ETIMEDOUT when the storage hangs. */
  lookup(
    parent: NodeId,
    name: Name,
  ): { readonly node: NodeId; readonly ino: number; readonly mode: number } | undefined;
  readlink(node: NodeId): Name;
  forget(node: NodeId, count: number): void;
  /** The kernel, or a walk of ours, has one reference of the root more. */
  entered(root: NodeId): void;
  rootAttr(root: NodeId): Attr | undefined;
}

export class RemoteStandIn extends RefusingFileSystem {
  readonly #thread: RemoteThread;
  #owner = 0;

  constructor(thread: RemoteThread) {
    super(EIO);
    this.#thread = thread;
  }

  /** Its number in the mount. */
  set owner(owner: number) {
    this.#owner = owner;
  }

  get root(): NodeId {
    return nodeId(this.#owner, ROOT_NODE);
  }

  /** Inode number of the root, as last seen. */
  get inode(): number | undefined {
    return this.#thread.rootAttr(this.root)?.ino;
  }

  enterRoot(): void {
    this.#thread.entered(this.root);
  }

  lookup(parent: NodeId, name: Name, out: Entry): boolean {
    const found = this.#thread.lookup(nodeId(this.#owner, parent), name);
    out.ttlMs = 0;
    if (found === undefined) return false;
    out.nodeId = nodeLocal(found.node);
    out.attr.ino = found.ino;
    out.attr.mode = found.mode;
    return true;
  }

  forget(node: NodeId, count: number): void {
    this.#thread.forget(nodeId(this.#owner, node), count);
  }

  getattr(node: NodeId, _handle: number | undefined, out: Attr): void {
    const known = node === ROOT_NODE ? this.#thread.rootAttr(this.root) : undefined;
    if (known === undefined) this.refuse('getattr');
    Object.assign(out, known);
  }

  override readlink(node: NodeId): Name {
    return this.#thread.readlink(nodeId(this.#owner, node));
  }
}
