/**
 * Puts data of a file into the kernel's page cache unasked (FUSE_NOTIFY_STORE), so that no READ is needed.
 *
 * Sent by the thread that answers, against the rule for notifications: the kernel locks each page, so nobody may have
 * the file open who could hold one while he waits for an answer of ours (fs/fuse/dev.c:fuse_notify_store() v6.18).
 */

import { ReplyBuffer } from '../../fuse/messages/reply.js';
import { encodeStore, STORE_DATA } from '../../fuse/notify.js';
import { writePrefix } from '../../linux/files/data.js';
import type { NodeId } from '../../vfs/node-id.js';

/** Larger files are read in part as a rule, and their READs cost little for each byte. */
const LARGEST_BYTES = 128 * 1024;

export class PageStore {
  readonly #fuseFd: number;
  readonly #message = new ReplyBuffer(STORE_DATA + LARGEST_BYTES);
  /** Where the data is to be put. */
  readonly room = this.#message.bytes.subarray(STORE_DATA);

  constructor(fuseFd: number) {
    this.#fuseFd = fuseFd;
  }

  /** Sends the first bytes of `room` as the start of the file. @returns whether the kernel took them. */
  send(node: NodeId, length: number): boolean {
    const total = encodeStore(this.#message, node, length);
    return writePrefix(this.#fuseFd, this.#message.bytes, total) === total;
  }
}
