/** What a record of a node of the union has (realfs/node-keeper.ts): all that restore-nodes.ts does not find by looking it up again. */

import {
  BY_DESCRIPTOR,
  type NodeDescriber,
  REMOVED,
  SPLIT,
  SUCCESSOR_HAS_NAMES,
} from '../../../realfs/node-keeper.js';
import type { UnionNode } from '../node.js';

export const describedNode: NodeDescriber<UnionNode> = {
  describe(node, record) {
    const { successor } = node;
    record.bits =
      (node.removed ? REMOVED : 0) |
      (successor === undefined ? 0 : SPLIT) |
      (node.successorHasNames ? SUCCESSOR_HAS_NAMES : 0) |
      (node.orphanFd < 0 ? 0 : BY_DESCRIPTOR);
    record.layer = node.layer.index;
    // Both show one number.
    record.ino = successor?.id ?? node.ino;
  },
  writeNew(records, place, node) {
    if (!node.isUnchanged) return false;
    records.writeNew(place, node, node.layer.index);
    return true;
  },
};
