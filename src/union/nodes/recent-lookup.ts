/**
 * What the last LOOKUP found. The kernel looks a name up just before it removes it, so the removal need not look again.
 *
 * INVARIANT: it is used only if upper was not changed since, and the kernel still holds the node.
 */

import type { Name } from '../../vfs/name.js';
import type { Layer } from '../stack/layer.js';
import { Found } from './found.js';
import type { UnionNode } from './node.js';

export class RecentLookup {
  /** Filled by the look-up. */
  readonly found = new Found();
  #parent: UnionNode | undefined;
  #node: UnionNode | undefined;
  #layer: Layer | undefined;
  #changes = 0;

  /** Before a look-up, which may throw. @returns the record to fill. */
  begin(parent: UnionNode): Found {
    this.#parent = parent;
    this.#node = undefined;
    return this.found;
  }

  /** It is not used any more. */
  drop(): void {
    this.#node = undefined;
  }

  /** @param changes of upper so far. */
  end(node: UnionNode | undefined, changes: number): void {
    this.#node = node;
    this.#layer = node?.layer;
    this.#changes = changes;
  }

  /** @returns what `found` belongs to, if that is what the name still stands for. */
  of(parent: UnionNode, name: Name, changes: number): UnionNode | undefined {
    const node = this.#node;
    const isCurrent =
      node !== undefined &&
      this.#parent === parent &&
      this.found.name === name &&
      this.#changes === changes &&
      // A copy-up that was begun before may have ended, the kernel may have forgotten it.
      node.layer === this.#layer &&
      node.nlookup > 0;
    return isCurrent ? node : undefined;
  }
}
