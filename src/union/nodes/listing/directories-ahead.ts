/**
 * Directories that are listed one after the other, as find, du and rm -r do: while the disk is slow, helpers read those that come next:
 * what is below the one that is listed, and those beside it. Their nodes were made in the order of the listing, so ids follow each other.
 *
 * Nothing waits for it. A directory whose parent nobody listed is no part of a walk: nothing is read for a plain `ls`.
 */

import type { NodeId } from '../../../vfs/node-id.js';
import { directoriesOf, type UnionNode } from '../node.js';
import type { UnionState } from '../union-state.js';

/** How far to look for directories beside the one that is listed. */
const NODES_AHEAD = 32;

/** After some names of the directory were listed. @param before the id that the next node had then. */
export function readDirectoriesAhead(state: UnionState, node: UnionNode, before: NodeId): void {
  if (!state.layerNames.readsAhead || node.parent?.contents === undefined) return;
  const { nextId } = state.nodes.table;
  for (let id = before; id < nextId && offer(state, node, id); id++);
  for (let step = 1; step <= NODES_AHEAD && offer(state, node.parent, node.id + step); step++);
}

/** @returns whether those that follow are worth a look. */
function offer(state: UnionState, parent: UnionNode, id: number): boolean {
  const node = state.nodes.table.find(id as NodeId);
  if (node?.parent !== parent) return false;
  const { session } = state.files;
  if (session === undefined || !node.isDirectory || node.byName || node.removed) return true;
  return state.layerNames.bringAhead(session, node, directoriesOf(node));
}
