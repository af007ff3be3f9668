/**
 * Copy-ups whose data a helper thread is copying: the request that needs one waits and is dispatched again, and finds
 * here what was begun. Of several requests for one file, the first to come back finishes it. One whose requests were
 * all interrupted waits here for the next that needs it, or for the end of its node.
 *
 * INVARIANT: the descriptors of a copy are closed only when its job is done, or when nothing is opened any more that
 * could get their numbers.
 */

import { check, FsError } from '../../errno/fs-error.js';
import { XATTR_NAME_CAPS } from '../../linux/constants.js';
import { Times } from '../../linux/files/inode.js';
import { close } from '../../linux/files/open.js';
import type { Statx } from '../../linux/files/statx.js';
import { setxattrAt } from '../../linux/files/xattr.js';
import { Place, utimesAt } from '../../realfs/real-object.js';
import type { Job } from '../../vfs/wait.js';
import type { Temporary } from '../form/temporary.js';

export interface PendingCopy {
  readonly job: Job;
  readonly sourceFd: number;
  readonly targetFd: number;
  /** The copy; undefined when it is made in place. */
  readonly temporary: Temporary | undefined;
  /** How much of the data it will hold. */
  readonly sizeBytes: number;
  /** The file before the copy. */
  readonly before: Statx;
}

/** What a file of upper was before data is written into it: that moves its times, and takes its security.capability away. */
interface FileBefore {
  readonly stat: Statx;
  readonly capability: Buffer | undefined;
}

/** Where the object of a node lies. */
type Locate<N> = (node: N, out: Place) => void;

const at = new Place();

export class PendingCopies<N extends { readonly removed: boolean }> {
  readonly #copies = new Map<N, PendingCopy>();
  /** From before the first byte until they are again what they were, which a disk may refuse for a while. */
  readonly #filled = new Map<N, FileBefore>();
  readonly #locate: Locate<N>;

  constructor(locate: Locate<N>) {
    this.#locate = locate;
  }

  get isEmpty(): boolean {
    return this.#copies.size === 0;
  }

  get(node: N): PendingCopy | undefined {
    return this.#copies.get(node);
  }

  /** What a file was before the copy that is being made of it in place. */
  before(node: N): Statx | undefined {
    return this.#filled.size === 0 ? undefined : this.#filled.get(node)?.stat;
  }

  /** What such a file has, though the copy has taken it away for a while. */
  capability(node: N): Buffer | undefined {
    return this.#filled.size === 0 ? undefined : this.#filled.get(node)?.capability;
  }

  /** A file is about to be filled. */
  beginFilling(node: N, before: FileBefore): void {
    this.#filled.set(node, before);
  }

  /** Makes a file that was filled, or was to be, what it was before. @throws FsError; that is still to be done then. */
  restore(node: N): void {
    const before = this.#filled.get(node);
    if (before === undefined) return;
    const { capability, stat } = before;
    this.#locate(node, at);
    if (capability !== undefined)
      check(setxattrAt(at.dirfd, at.name, XATTR_NAME_CAPS, capability, 0), 'setxattr', XATTR_NAME_CAPS);
    utimesAt(at.dirfd, at.name, timesOfStat(stat));
    this.#filled.delete(node);
  }

  /** As `restore()`, of a file of which filling has failed; one that nothing was written into keeps its ctime. */
  restoreWritten(node: N, now: Statx): void {
    const before = this.#filled.get(node);
    if (before === undefined) return;
    const { capability, stat } = before;
    const isUntouched = now.mtimeSec === stat.mtimeSec && now.mtimeNsec === stat.mtimeNsec;
    if (isUntouched && capability === undefined) this.#filled.delete(node);
    else this.restore(node);
  }

  /** All that a disk has refused to make so. PRECONDITION: no copy is being made. @throws FsError */
  restoreAll(): void {
    for (const node of this.#filled.keys()) this.restore(node);
  }

  set(node: N, copy: PendingCopy): void {
    this.#copies.set(node, copy);
  }

  /** Takes out a copy whose job is done and closes its descriptors; the temporary is the caller's. */
  take(node: N, copy: PendingCopy): void {
    this.#copies.delete(node);
    close(copy.sourceFd);
    if (copy.temporary === undefined) close(copy.targetFd);
    else copy.temporary.closeFile(copy.targetFd);
  }

  /** Gives up a copy whose job is done. @throws FsError as `restore()`. */
  abandon(node: N, copy: PendingCopy): void {
    copy.temporary?.discard();
    this.take(node, copy);
    this.restore(node);
  }

  /** The node goes. A copy that is still being made stays until `closeAll`. */
  drop(node: N): void {
    if (this.#filled.size === 0 && this.#copies.size === 0) return;
    const copy = this.#copies.get(node);
    if (copy !== undefined && !copy.job.done) return;
    this.#restoreLast(node);
    if (copy !== undefined) this.abandon(node, copy);
  }

  /** At the end of the session. */
  closeAll(): void {
    for (const node of [...this.#filled.keys()]) this.#restoreLast(node);
    for (const [node, copy] of this.#copies) this.abandon(node, copy);
  }

  /** Where the disk refuses it, the file has the times of the copy from now on: nobody will try again. */
  #restoreLast(node: N): void {
    try {
      if (!node.removed) this.restore(node);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
    }
    this.#filled.delete(node);
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
