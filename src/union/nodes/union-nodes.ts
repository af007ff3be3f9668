/**
 * The nodes of the union: by id, by the layer and inode number of their topmost object, and whose inode numbers they show.
 */

import type { NodeKeeper } from '../../realfs/node-keeper.js';
import type { Session } from '../../vfs/file-system.js';
import type { NodeId } from '../../vfs/node-id.js';
import { NodeTable } from '../../vfs/node-table.js';
import type { Layer } from '../stack/layer.js';
import { UnionNode } from './node.js';
import { ShownNumbers } from './numbers/shown-numbers.js';

export class UnionNodes {
  readonly table = new NodeTable<UnionNode>();
  readonly shownNumbers = new ShownNumbers();
  /** Keeps what a process that takes the mount over needs; undefined where none will. */
  keeper: NodeKeeper<UnionNode> | undefined;

  /** @throws ESTALE when the kernel names a node of which it has no reference. */
  get(id: NodeId): UnionNode {
    return this.table.get(id);
  }

  /** The node whose metadata counts for one that may have been written since it was opened. */
  current(id: NodeId): UnionNode {
    const node = this.table.get(id);
    return node.successor ?? node;
  }

  /** @param realIno inode number of the topmost object in the layer. @throws ENOMEM when nothing more fits. */
  make(layer: Layer, realIno: number, session: Session | undefined): UnionNode {
    return this.table.add(session, (id) => new UnionNode(id, layer, realIno));
  }

  /** The node whose topmost object has the inode number in the layer. */
  ofObject(layer: Layer, ino: number): UnionNode | undefined {
    const id = layer.nodes.get(ino);
    return id === undefined ? undefined : this.table.find(id);
  }

  /** Makes lookups find the node: by its object, or by its name in its parent. */
  index(node: UnionNode, by: 'object' | 'name'): void {
    node.byName = by === 'name';
    if (node.byName && node.parent !== undefined) {
      node.parent.namedChildren ??= new Map();
      node.parent.namedChildren.set(node.name, node);
    } else {
      node.layer.nodes.set(node.realIno, node.id);
    }
  }

  /** Takes the node out of whatever lookup finds it by. */
  unindex(node: UnionNode): void {
    if (node.byName) {
      const named = node.parent?.namedChildren;
      if (named?.get(node.name) === node) named.delete(node.name);
      node.byName = false;
    } else {
      node.layer.nodes.delete(node.realIno, node.id);
    }
  }
}
