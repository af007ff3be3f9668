/**
 * Open files by the number that libfuse keeps for us: 1 to 2^31 - 1, since the package takes 0 for no number and passes
 * the rest as a signed 32-bit integer.
 */

import { EBADF } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import type { PathNode } from './path-tree.js';

interface Handle {
  /** Pinned while the handle is open. */
  readonly node: PathNode;
  /** The file system's own number. */
  readonly handle: number;
  /** O_* of the open. */
  readonly flags: number;
}

export class Handles {
  readonly #open = new Map<number, Handle>();
  readonly #free: number[] = [];

  add(handle: Handle): number {
    const fd = this.#free.pop() ?? this.#open.size + 1;
    this.#open.set(fd, handle);
    return fd;
  }

  /** @throws EBADF */
  get(fd: number): Handle {
    const handle = this.#open.get(fd);
    if (handle === undefined) throw fsError(EBADF, 'handle', String(fd));
    return handle;
  }

  /** @throws EBADF */
  remove(fd: number): Handle {
    const handle = this.get(fd);
    this.#open.delete(fd);
    this.#free.push(fd);
    return handle;
  }
}
