/** The thread of notifier.ts: writes notifications, one after the other, and says when each is done; ends at a message without any. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { ReplyBuffer } from '../../fuse/messages/reply.js';
import { encodeInvalEntry, encodeInvalInode } from '../../fuse/notify.js';
import { writePrefix } from '../../linux/files/data.js';
import type { NotifyRequest } from './notifier.js';

const { fuseFd } = workerData as { fuseFd: number };
const port = parentPort as MessagePort;
const notice = new ReplyBuffer(4096);

port.on('message', (request: NotifyRequest | undefined) => {
  if (request === undefined) process.exit();
  const { id, renewed } = request;
  for (const { directory, name } of renewed) {
    // What the kernel does not know it cannot forget: ENOENT is as good as done, and so is a mount that is gone.
    writePrefix(fuseFd, notice.bytes, encodeInvalEntry(notice, directory, name, 0));
    writePrefix(fuseFd, notice.bytes, encodeInvalInode(notice, directory, 0, 0));
  }
  port.postMessage(id);
});
