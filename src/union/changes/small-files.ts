/**
 * A small file of a layer goes into the kernel's cache when it is opened for the first time: whoever opens it reads it,
 * and the answer to its OPEN is then the only one that it needs.
 *
 * PRECONDITION of a store: this open is the only one there is, so that nobody waits for a page of the file (see
 * vfs.Session). The layer is read-only, so what is stored cannot be older than what the kernel has.
 */

import { O_ACCMODE, O_RDONLY, O_TRUNC } from '../../linux/constants.js';
import type { Opened } from '../../vfs/attr.js';
import type { OpenIntent } from '../../vfs/file-system.js';
import type { UnionNode } from '../nodes/node.js';
import type { UnionState } from '../nodes/union-state.js';
import { readSiblingsAhead } from './siblings-ahead.js';

/** After `open`, before it is answered. */
export function storeSmallFile(state: UnionState, node: UnionNode, intent: OpenIntent, out: Opened): void {
  if (node.isStored || node.openCount !== 1 || out.backingId !== 0 || !out.keepCache) return;
  if ((intent.flags & (O_ACCMODE | O_TRUNC)) !== O_RDONLY || !state.objects.dataIsBelow(node)) return;
  // A tree that is read without a mount has no kernel to tell.
  const { session } = state.files;
  const room = session?.storeRoom;
  if (session === undefined || room === undefined || node.sizeBytes === 0 || node.sizeBytes > room.length)
    return;
  const fd = state.files.readDescriptor(node);
  const wasTold = node.isAhead;
  node.isAhead = true;
  const length = state.layerReads.readCached(fd, 0, room.subarray(0, node.sizeBytes));
  if (state.layerReads.wasCold || wasTold) readSiblingsAhead(state, node);
  // What fails here is asked for and answered by a READ.
  node.isStored = length === node.sizeBytes && session.storeData(node.id, length);
}
