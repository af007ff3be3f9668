/**
 * What a record of a node of the union has (realfs/node-keeper.ts): all that restore-nodes.ts does not find by looking it up again, and of a
 * file that is as a lookup makes it all that there is.
 *
 * INVARIANT: a record that tells all has the node's layer, inode number, name and mode of now: whatever changes one of them notes it.
 */

import { STATX_ATTR_APPEND, STATX_ATTR_IMMUTABLE } from '../../../linux/constants.js';
import {
  BY_DESCRIPTOR,
  type NodeDescriber,
  OPEN_BITS,
  REMOVED,
  SPLIT,
  SUCCESSOR_HAS_NAMES,
} from '../../../realfs/node-keeper.js';
import { TELLS_ALL } from '../../../vfs/node-records.js';
import type { UnionNode } from '../node.js';

/** In the bits of a record that tells all: st_mode, and above it the flags of a file in a lower. */
const MODE_SHIFT = OPEN_BITS;
const MODE = 0xffff;
const PROTECTION_SHIFT = MODE_SHIFT + 16 - Math.log2(STATX_ATTR_IMMUTABLE);
const PROTECTION = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;

/** Bits of its record; 0 for a node that has to be looked up again. */
export function foundBits(node: UnionNode): number {
  if (!node.isAsFound || node.isDirectory) return 0;
  return TELLS_ALL | (node.mode << MODE_SHIFT) | ((node.protection ?? 0) << PROTECTION_SHIFT);
}

/** The mode in the bits of a record that tells all. */
export function modeIn(bits: number): number {
  return (bits >>> MODE_SHIFT) & MODE;
}

export function protectionInBits(bits: number): number {
  return (bits >>> PROTECTION_SHIFT) & PROTECTION;
}

export const describedNode: NodeDescriber<UnionNode> = {
  describe(node, record) {
    const { successor } = node;
    record.bits =
      (node.removed ? REMOVED : 0) |
      (successor === undefined ? 0 : SPLIT) |
      (node.successorHasNames ? SUCCESSOR_HAS_NAMES : 0) |
      (node.orphanFd < 0 ? 0 : BY_DESCRIPTOR) |
      (node.layer.nodes.get(node.realIno) === node.id ? foundBits(node) : 0);
    record.layer = node.layer.index;
    // Both show one number.
    record.ino = successor?.id ?? node.ino;
  },
  writeNew(records, place, node) {
    if (!node.isUnchanged) return false;
    records.writeNew(place, node, node.layer.index, foundBits(node));
    return true;
  },
};
