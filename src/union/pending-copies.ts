/**
 * Copy-ups whose data a helper thread is copying: the request that needs one waits and is dispatched again, and finds
 * here what was begun. Of several requests for one file, the first to come back finishes it.
 */

import type { Times } from '../linux/inode.js';
import { close } from '../linux/open.js';
import type { Job } from '../vfs/wait.js';
import type { UnionNode } from './node.js';
import type { Temporary } from './temporary.js';

export interface PendingCopy {
  readonly job: Job;
  readonly sourceFd: number;
  readonly targetFd: number;
  /** The copy; undefined when it is made in place. */
  readonly temporary: Temporary | undefined;
  /** security.capability of the file before a copy in place, which takes it away. */
  readonly capability: Buffer | undefined;
  /** Those of the file before the copy. */
  readonly times: Times;
}

export class PendingCopies {
  readonly #copies = new Map<UnionNode, PendingCopy>();

  get(node: UnionNode): PendingCopy | undefined {
    return this.#copies.get(node);
  }

  set(node: UnionNode, copy: PendingCopy): void {
    this.#copies.set(node, copy);
  }

  delete(node: UnionNode): void {
    this.#copies.delete(node);
  }

  /** Drops all copies. */
  closeAll(): void {
    for (const copy of this.#copies.values()) {
      close(copy.sourceFd);
      close(copy.targetFd);
      copy.temporary?.discard();
    }
    this.#copies.clear();
  }
}
