/**
 * Tells an open by name from one through /proc/self/fd, where the kernel must look the name up again.
 *
 * An open answered ESTALE comes again from the same thread: by name with a LOOKUP before, which finds the successor;
 * through a descriptor without. Of two threads at once the earlier is forgotten, and one through a descriptor then
 * sees the ESTALE.
 */

import type { UnionNode } from './node.js';

export class SecondLookups {
  #node: UnionNode | undefined;
  #pid = 0;

  /** @returns whether this open of `node` is the second, with no lookup of its successor since the first. */
  isSecond(node: UnionNode, pid: number): boolean {
    const second = this.#node === node && this.#pid === pid && pid !== 0;
    this.#node = second ? undefined : node;
    this.#pid = pid;
    return second;
  }

  /** A lookup found `found`, or nothing. */
  noteLookup(found: UnionNode | undefined): void {
    if (this.#node === undefined) return;
    if (found === undefined || found === this.#node.successor) this.#node = undefined;
  }

  /** Whether the next open of the node may be a second one. */
  awaits(node: UnionNode): boolean {
    return this.#node === node;
  }

  /** The node is gone. */
  forget(node: UnionNode): void {
    if (this.#node === node) this.#node = undefined;
  }
}
