/** The inode number of a file that was copied up: that of its original. */

import { originalOf, originLayers } from '../../stack/find-origin.js';
import type { UnionNode } from '../node.js';
import type { UnionState } from '../union-state.js';

/**
 * The number that a file of upper shows: its original's, where the record leads to one and nothing else has shown that.
 * Linux: fs/overlayfs/namei.c:ovl_check_origin_fh(), inode.c:ovl_getattr() v6.18.
 */
export function numberOfCopy(state: UnionState, node: UnionNode, origin: Buffer): number | undefined {
  const { layers } = state.stack;
  const copy = { mode: node.mode, isIndexed: node.indexName !== undefined };
  for (const layer of originLayers(layers, origin)) {
    const ino = originalOf(layer, copy, origin);
    if (ino === undefined) continue;
    const number = layer.inodeNumber(ino);
    const { shownNumbers } = state.nodes;
    if (!copy.isIndexed) return shownNumbers.ofCopy(number, node.realIno);
    shownNumbers.take(number, node.realIno);
    return number;
  }
  return undefined;
}
