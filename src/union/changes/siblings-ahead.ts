/**
 * Files that are read one after the other, as tar, cp and grep -r do: when one had to come from the disk, the disk is told of
 * those that follow in the listing of the directory. Their nodes were made in that order, so their ids follow each other.
 *
 * Nothing waits for it, and what nobody opens then is memory that the kernel takes back first.
 */

import { FsError } from '../../errno/fs-error.js';
import { O_RDONLY, S_IFMT, S_IFREG } from '../../linux/constants.js';
import { adviseWillNeed } from '../../linux/files/data.js';
import { close } from '../../linux/files/open.js';
import type { NodeId } from '../../vfs/node-id.js';
import type { UnionNode } from '../nodes/node.js';
import type { UnionState } from '../nodes/union-state.js';

const FILES_AHEAD = 16;
/** How much of one file is asked for; the kernel reads ahead what follows when that is read. */
const BYTES_AHEAD = 512 * 1024;

/** After the first open of a file of a layer that was not in memory, or is there since the disk was told of it. */
export function readSiblingsAhead(state: UnionState, node: UnionNode): void {
  for (let step = 1; step <= FILES_AHEAD; step++) {
    const next = state.nodes.table.find((node.id + step) as NodeId);
    if (next === undefined || next.parent !== node.parent) return;
    if (next.isAhead || (next.mode & S_IFMT) !== S_IFREG || next.sizeBytes === 0) continue;
    next.isAhead = true;
    if (state.objects.dataIsBelow(next) && next.openCount === 0) advise(state, next);
  }
}

function advise(state: UnionState, node: UnionNode): void {
  let fd: number;
  try {
    fd = state.objects.openData(node, O_RDONLY);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    // Whoever opens it is told.
    return;
  }
  adviseWillNeed(fd, 0, Math.min(node.sizeBytes, BYTES_AHEAD));
  close(fd);
}
