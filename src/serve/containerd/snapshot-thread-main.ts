/** The thread that snapshot-thread.ts starts: one walk after the other. */

import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../errno/reason.js';
import { deleteTree } from '../../store/delete-tree.js';
import { measureTree } from '../../store/measure-tree.js';
import type { SnapshotUsage } from './snapshot-record.js';
import type { TreeAnswer, TreeOrder } from './snapshot-thread.js';

function done({ do: kind, path }: TreeOrder): SnapshotUsage {
  if (kind === 'measure') {
    const { diskBytes, inodes } = measureTree(path);
    return { bytes: diskBytes, inodes };
  }
  deleteTree(path);
  return { bytes: 0, inodes: 0 };
}

function answerOf(order: TreeOrder): TreeAnswer {
  try {
    return { id: order.id, usage: done(order) };
  } catch (error) {
    return { id: order.id, failure: messageOf(error) };
  }
}

parentPort!.on('message', (order: TreeOrder) => parentPort!.postMessage(answerOf(order)));
