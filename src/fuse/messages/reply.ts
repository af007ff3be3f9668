/**
 * A reply under construction: header (16 bytes: length, negated errno, unique) | body (fuse_out_header, protocol 7.45).
 *
 * One buffer serves all replies of a session. An encoder writes its body behind the header and sets `length`;
 * finishReply puts the header in front and hands out the length to write.
 * INVARIANT: `length` counts the header, and is that of an empty reply before an encoder runs. finishReply restores it;
 * a request that is left without a reply after its encoder began (it was parked) needs reset().
 */

import type { Name } from '../../vfs/name.js';
import { SIZEOF_OUT_HEADER } from '../abi/abi.js';
import type { RequestHeader } from './request.js';

/** Where the body of a reply starts. */
export const REPLY_BODY = SIZEOF_OUT_HEADER;

/** Room for any record of fixed size, so that only what is variable needs a check. */
export const SMALLEST_REPLY = 512;

/** latin1 names up to this length are written faster by a loop than by Buffer.write (8 against 45 ns for 5 bytes). */
const LOOP_LENGTH = 16;

export class ReplyBuffer {
  readonly bytes: Buffer;
  readonly view: DataView;
  length = REPLY_BODY;

  constructor(capacity: number) {
    if (capacity < SMALLEST_REPLY)
      throw new RangeError(`a reply buffer needs ${SMALLEST_REPLY} bytes, not ${capacity}`);
    this.bytes = Buffer.alloc(capacity);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  reset(): void {
    this.length = REPLY_BODY;
  }
}

/**
 * Completes the reply to `header`.
 * @param error 0, or a negated errno: then the body is dropped.
 * @returns the number of bytes of `reply.bytes` to write.
 */
export function finishReply(reply: ReplyBuffer, header: RequestHeader, error: number): number {
  const length = error === 0 ? reply.length : SIZEOF_OUT_HEADER;
  const { view } = reply;
  view.setUint32(0, length, true);
  view.setInt32(4, error, true);
  view.setUint32(8, header.uniqueLow, true);
  view.setUint32(12, header.uniqueHigh, true);
  reply.length = SIZEOF_OUT_HEADER;
  return length;
}

/** GETXATTR and LISTXATTR with a size, or any other body that is plain bytes. @throws RangeError beyond the capacity. */
export function encodeBytes(reply: ReplyBuffer, bytes: Uint8Array): void {
  needRoom(reply, REPLY_BODY + bytes.length);
  reply.bytes.set(bytes, REPLY_BODY);
  reply.length = REPLY_BODY + bytes.length;
}

/** READ: the first `sizeBytes` of the body were filled in place, at REPLY_BODY of `reply.bytes`. */
export function encodeFilled(reply: ReplyBuffer, sizeBytes: number): void {
  needRoom(reply, REPLY_BODY + sizeBytes);
  reply.length = REPLY_BODY + sizeBytes;
}

/** READLINK: the content without a NUL. */
export function encodeName(reply: ReplyBuffer, name: Name): void {
  needRoom(reply, REPLY_BODY + name.length);
  writeName(reply, REPLY_BODY, name);
  reply.length = REPLY_BODY + name.length;
}

export function needRoom(reply: ReplyBuffer, end: number): void {
  if (end > reply.bytes.length)
    throw new RangeError(`fuse reply of ${end} bytes in a buffer of ${reply.bytes.length}`);
}

/** The caller has checked that it fits. */
export function writeName(reply: ReplyBuffer, at: number, name: Name): void {
  const { bytes } = reply;
  const { length } = name;
  if (length > LOOP_LENGTH) bytes.write(name, at, length, 'latin1');
  else for (let i = 0; i < length; i++) bytes[at + i] = name.charCodeAt(i);
}
