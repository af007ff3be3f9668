/**
 * Copy-ups whose data a helper thread is copying: the request that needs one waits and is dispatched again, and finds
 * here what was begun. Of several requests for one file, the first to come back finishes it. One whose requests were
 * all interrupted waits here for the next that needs it, or for the end of its node.
 *
 * INVARIANT: the descriptors of a copy are closed only when its job is done, or when nothing is opened any more that
 * could get their numbers.
 */

import { check } from '../../errno/fs-error.js';
import { XATTR_NAME_CAPS } from '../../linux/constants.js';
import { Times } from '../../linux/files/inode.js';
import { close } from '../../linux/files/open.js';
import type { Statx } from '../../linux/files/statx.js';
import { fsetxattr } from '../../linux/files/xattr.js';
import { utimesAt } from '../../realfs/real-object.js';
import type { Job } from '../../vfs/wait.js';
import type { Temporary } from '../form/temporary.js';
import type { UnionNode } from './node.js';

export interface PendingCopy {
  readonly job: Job;
  readonly sourceFd: number;
  readonly targetFd: number;
  /** The copy; undefined when it is made in place. */
  readonly temporary: Temporary | undefined;
  /** How much of the data it will hold. */
  readonly sizeBytes: number;
  /** The file before the copy: one made in place moves its times. */
  readonly before: Statx;
  /** The security.capability that a copy in place takes away. */
  readonly capability: Buffer | undefined;
}

export class PendingCopies {
  readonly #copies = new Map<UnionNode, PendingCopy>();

  get isEmpty(): boolean {
    return this.#copies.size === 0;
  }

  get(node: UnionNode): PendingCopy | undefined {
    return this.#copies.get(node);
  }

  /** What a file was before the copy that is being made of it in place. */
  before(node: UnionNode): Statx | undefined {
    if (this.#copies.size === 0) return undefined;
    const copy = this.#copies.get(node);
    return copy?.temporary === undefined ? copy?.before : undefined;
  }

  set(node: UnionNode, copy: PendingCopy): void {
    this.#copies.set(node, copy);
  }

  /** Takes out a copy whose job is done and closes its descriptors; the temporary is the caller's. */
  take(node: UnionNode, copy: PendingCopy): void {
    this.#copies.delete(node);
    close(copy.sourceFd);
    if (copy.temporary === undefined) close(copy.targetFd);
    else copy.temporary.closeFile(copy.targetFd);
  }

  /** Gives up a copy whose job is done. */
  abandon(node: UnionNode, copy: PendingCopy): void {
    copy.temporary?.discard();
    if (copy.capability !== undefined)
      check(fsetxattr(copy.targetFd, XATTR_NAME_CAPS, copy.capability, 0), 'setxattr', XATTR_NAME_CAPS);
    if (copy.temporary === undefined) utimesAt(copy.targetFd, '', timesOfStat(copy.before));
    this.take(node, copy);
  }

  /** The node goes. A copy that is still being made stays until `closeAll`. */
  drop(node: UnionNode): void {
    const copy = this.#copies.get(node);
    if (copy?.job.done === true) this.abandon(node, copy);
  }

  /** At the end of the session. */
  closeAll(): void {
    for (const [node, copy] of this.#copies) this.abandon(node, copy);
  }
}

const times = new Times();

/** @returns a record that holds until the next call. */
export function timesOfStat(stat: Statx): Times {
  times.atimeSec = stat.atimeSec;
  times.atimeNsec = stat.atimeNsec;
  times.mtimeSec = stat.mtimeSec;
  times.mtimeNsec = stat.mtimeNsec;
  return times;
}
