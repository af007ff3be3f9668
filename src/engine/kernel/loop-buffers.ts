/** The buffers that the sessions of a thread share: each request is done with before another is read. */

import { ReplyBuffer } from '../../fuse/messages/reply.js';
import { RequestHeader, RequestView } from '../../fuse/messages/request.js';
import { IdleCollector } from '../idle-collector.js';
import { Records } from '../operations/session-records.js';

/** Largest request: 1 MiB of data behind its headers. */
const REQUEST_BYTES = 1024 * 1024 + 8192;
/** Largest reply: 1 MiB of data behind the header. */
const REPLY_BYTES = 1024 * 1024 + 4096;

export class LoopBuffers {
  readonly request = new RequestView(Buffer.alloc(REQUEST_BYTES));
  readonly header = new RequestHeader();
  readonly reply = new ReplyBuffer(REPLY_BYTES);
  readonly records = new Records();
  readonly collector = new IdleCollector();
}
