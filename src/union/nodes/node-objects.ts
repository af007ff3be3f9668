/** How the objects behind nodes are reached: their places in the layers, statx and open of them. It knows no table of nodes. */

import { ENOENT, ESTALE } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import type { Statx } from '../../linux/files/statx.js';
import { openAt, Place } from '../../realfs/real-object.js';
import { applyOverride } from '../form/override-stat.js';
import type { RealDirectory } from '../stack/layer.js';
import { type LayerStack, statPlace } from '../stack/layer-stack.js';
import type { UnionNode } from './node.js';

export class NodeObjects {
  readonly #stack: LayerStack;
  readonly #at = new Place();

  constructor(stack: LayerStack) {
    this.#stack = stack;
  }

  /**
   * Fills `out` with where the node's topmost object lies. Valid until the next call that opens a directory.
   * @throws FsError where its directory cannot be opened again.
   */
  locate(node: UnionNode, out: Place): void {
    const stack = this.#stack;
    const top = node.dirs?.[0];
    out.name = '';
    if (node.orphanFd >= 0) out.dirfd = node.orphanFd;
    else if (node.indexName !== undefined) {
      out.name = node.indexName;
      out.dirfd = stack.index!.fd;
    } else if (top === undefined) {
      out.name = node.name;
      out.dirfd = stack.descriptor(this.homeOf(node));
    } else if (top.parent === undefined || node.removed) out.dirfd = stack.descriptor(top);
    else {
      out.name = top.name;
      out.dirfd = stack.descriptor(top.parent);
    }
  }

  /** The directory of `node.layer` in which the file lies. */
  homeOf(node: UnionNode): RealDirectory {
    const dirs = node.parent?.dirs;
    if (dirs !== undefined) {
      for (const dir of dirs) if (dir.layer === node.layer) return dir;
    }
    throw fsError(ESTALE, 'locate', node.name);
  }

  /** statx of the node's topmost object into `out`. */
  statNode(node: UnionNode, out: Statx): void {
    const at = this.#at;
    this.locate(node, at);
    check(statPlace(at, out), 'getattr', node.name);
    const { override } = node.layer;
    if (override !== undefined) applyOverride(at.dirfd, at.name, override, out);
    node.mode = out.mode;
  }

  /** Whether the data lies in a lower, and not in upper. */
  dataIsBelow(node: UnionNode): boolean {
    return node.layer !== this.#stack.upper || node.data !== undefined;
  }

  /** Opens what holds the node's data: a lower file while upper has the metadata only. */
  openData(node: UnionNode, flags: number): number {
    const { data } = node;
    if (data === undefined) return this.open(node, flags);
    if (data.isMissing === true) throw fsError(ENOENT, 'open', node.name);
    return check(openAt(this.#stack.descriptor(data.dir), data.name, flags), 'open', node.name);
  }

  /** Opens the node's topmost object. @returns a descriptor that the caller closes. */
  open(node: UnionNode, flags: number): number {
    this.locate(node, this.#at);
    return check(openAt(this.#at.dirfd, this.#at.name, flags), 'open', node.name);
  }
}
