/**
 * Files that were looked up and neither opened nor changed are packed when there are many: vfs/node-table.ts.
 *
 * A million of them are a million records of 96 bytes, and no objects; one that is asked for is made anew of its record.
 */

import type { NodeId } from '../../../vfs/node-id.js';
import type { NodeRecords } from '../../../vfs/node-records.js';
import type { NodePacker } from '../../../vfs/node-table.js';
import { UnionNode } from '../node.js';
import type { UnionState } from '../union-state.js';
import { foundBits } from './described-node.js';

/** So many nodes are some 5 MiB, and quicker to have than those that are packed: nobody's working set is packed all the time. */
export const MOST_WHOLE = 32_768;

/** PRECONDITION: the table keeps the records. @param mostWhole nodes that stay as they are. */
export function nodePacker(
  state: UnionState,
  records: NodeRecords,
  mostWhole: number,
): NodePacker<UnionNode> {
  return {
    mostWhole,
    pack(node, place) {
      const isMore =
        !node.isUnchanged ||
        node.byName ||
        state.pendingCopies.get(node) !== undefined ||
        state.pendingCopies.before(node) !== undefined ||
        state.secondLookups.awaits(node);
      if (isMore) return false;
      const { word, sizeBytes } = node;
      return records.pack(place, node, { layer: node.layer.index, bits: foundBits(node), word, sizeBytes });
    },
    unpack: (id, place) => unpackNode(state, id, records.unpack(place)),
  };
}

function unpackNode(state: UnionState, id: NodeId, packed: ReturnType<NodeRecords['unpack']>): UnionNode {
  const layer = state.stack.layers[packed.layer]!;
  const node = new UnionNode(id, layer, packed.ino - layer.inodeBase);
  node.word = packed.word;
  node.nlookup = packed.nlookup;
  node.parent = state.nodes.table.get(packed.parent as NodeId);
  node.name = packed.name;
  node.sizeBytes = packed.sizeBytes;
  return node;
}

/** Before a request that makes nodes known, and before it takes any. */
export function packNodes(state: UnionState): void {
  if (!state.nodes.table.isPackingDue) return;
  state.recent.drop();
  state.nodes.table.packSome();
}
