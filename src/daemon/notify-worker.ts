/** The thread of notifier.ts: writes notifications, one after the other, and says when each is done. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { encodeInvalEntry, encodeInvalInode } from '../fuse/notify.js';
import { ReplyBuffer } from '../fuse/reply.js';
import { writePrefix } from '../linux/data.js';
import type { NotifyOrder } from './notifier.js';

const { fuseFd } = workerData as { fuseFd: number };
const port = parentPort as MessagePort;
const notice = new ReplyBuffer(4096);

port.on('message', ({ id, renewed }: NotifyOrder) => {
  for (const { directory, name } of renewed) {
    // What the kernel does not know it cannot forget: ENOENT is as good as done, and so is a mount that is gone.
    writePrefix(fuseFd, notice.bytes, encodeInvalEntry(notice, directory, name, 0));
    writePrefix(fuseFd, notice.bytes, encodeInvalInode(notice, directory, 0, 0));
  }
  port.postMessage(id);
});
