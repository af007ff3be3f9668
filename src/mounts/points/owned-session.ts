/** The session of one of the file systems of a mount. */

import type { Caller } from '../../vfs/caller.js';
import type * as vfs from '../../vfs/file-system.js';
import { type NodeId, nodeId } from '../../vfs/node-id.js';
import type { Job, JobSpec } from '../../vfs/wait.js';

/** The session as a file system sees it that knows only its own part of node ids. */
export class OwnedSession implements vfs.Session {
  readonly #session: vfs.Session;
  readonly #owner: number;

  constructor(session: vfs.Session, owner: number) {
    this.#session = session;
    this.#owner = owner;
  }

  get passthrough(): boolean {
    return this.#session.passthrough;
  }

  get replaying(): boolean {
    return this.#session.replaying;
  }

  get awaited(): Job | undefined {
    return this.#session.awaited;
  }

  get caller(): Caller | undefined {
    return this.#session.caller;
  }

  openBacking(fd: number): number {
    return this.#session.openBacking(fd);
  }

  closeBacking(backingId: number): void {
    this.#session.closeBacking(backingId);
  }

  invalidateAttributes(node: NodeId): void {
    this.#session.invalidateAttributes(nodeId(this.#owner, node));
  }

  invalidateListing(node: NodeId): void {
    this.#session.invalidateListing(nodeId(this.#owner, node));
  }

  pruneNodes(nodes: readonly NodeId[]): boolean {
    return this.#session.pruneNodes(nodes.map((node) => nodeId(this.#owner, node)));
  }

  get storeRoom(): Uint8Array | undefined {
    return this.#session.storeRoom;
  }

  storeData(node: NodeId, length: number): boolean {
    return this.#session.storeData(nodeId(this.#owner, node), length);
  }

  startJob(spec: JobSpec): Job {
    return this.#session.startJob(spec);
  }
}
