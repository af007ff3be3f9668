/**
 * Replies of few fields: WRITE, COPY_FILE_RANGE(_64), LSEEK, STATFS, xattr sizes, GETLK, BMAP, POLL, IOCTL.
 *
 * Replies without a body (UNLINK, RMDIR, RENAME, FLUSH, RELEASE, FSYNC, SETXATTR, REMOVEXATTR, ACCESS, FALLOCATE,
 * SETLK, SYNCFS, DESTROY, ...) are finishReply alone.
 */

import type { StatFs } from '../vfs/attr.js';
import {
  SIZEOF_BMAP_OUT,
  SIZEOF_COPY_FILE_RANGE_OUT,
  SIZEOF_GETXATTR_OUT,
  SIZEOF_IOCTL_OUT,
  SIZEOF_LK_OUT,
  SIZEOF_LSEEK_OUT,
  SIZEOF_POLL_OUT,
  SIZEOF_STATFS_OUT,
  SIZEOF_WRITE_OUT,
} from './abi.js';
import type { LockRange } from './decode-lock.js';
import { writeU64 } from './integers.js';
import { needRoom, REPLY_BODY, type ReplyBuffer } from './reply.js';

/** WRITE, and COPY_FILE_RANGE in its first form. */
export function encodeWrite(reply: ReplyBuffer, sizeBytes: number): void {
  writeWordPadded(reply, sizeBytes);
  reply.length = REPLY_BODY + SIZEOF_WRITE_OUT;
}

export function encodeCopyFileRange64(reply: ReplyBuffer, sizeBytes: number): void {
  writeU64(reply.view, REPLY_BODY, sizeBytes);
  reply.length = REPLY_BODY + SIZEOF_COPY_FILE_RANGE_OUT;
}

export function encodeLseek(reply: ReplyBuffer, offset: number): void {
  writeU64(reply.view, REPLY_BODY, offset);
  reply.length = REPLY_BODY + SIZEOF_LSEEK_OUT;
}

/** GETXATTR and LISTXATTR of size 0: how many bytes the answer would have. */
export function encodeXattrSize(reply: ReplyBuffer, sizeBytes: number): void {
  writeWordPadded(reply, sizeBytes);
  reply.length = REPLY_BODY + SIZEOF_GETXATTR_OUT;
}

export function encodeStatFs(reply: ReplyBuffer, stat: StatFs): void {
  const { view } = reply;
  reply.bytes.fill(0, REPLY_BODY, REPLY_BODY + SIZEOF_STATFS_OUT);
  writeU64(view, REPLY_BODY, stat.blocks);
  writeU64(view, REPLY_BODY + 8, stat.bfree);
  writeU64(view, REPLY_BODY + 16, stat.bavail);
  writeU64(view, REPLY_BODY + 24, stat.files);
  writeU64(view, REPLY_BODY + 32, stat.ffree);
  view.setUint32(REPLY_BODY + 40, stat.bsize, true);
  view.setUint32(REPLY_BODY + 44, stat.nameMax, true);
  view.setUint32(REPLY_BODY + 48, stat.frsize, true);
  reply.length = REPLY_BODY + SIZEOF_STATFS_OUT;
}

/** GETLK: the lock in the way, or F_UNLCK as its type. */
export function encodeGetlk(reply: ReplyBuffer, range: LockRange): void {
  const { view } = reply;
  writeU64(view, REPLY_BODY, range.start);
  if (range.end === Number.MAX_SAFE_INTEGER) {
    // OFFSET_MAX, 2^63 - 1, by which the kernel tells a lock up to the end.
    view.setUint32(REPLY_BODY + 8, 0xffffffff, true);
    view.setUint32(REPLY_BODY + 12, 0x7fffffff, true);
  } else {
    writeU64(view, REPLY_BODY + 8, range.end);
  }
  view.setUint32(REPLY_BODY + 16, range.type, true);
  view.setUint32(REPLY_BODY + 20, range.pid, true);
  reply.length = REPLY_BODY + SIZEOF_LK_OUT;
}

export function encodeBmap(reply: ReplyBuffer, block: number): void {
  writeU64(reply.view, REPLY_BODY, block);
  reply.length = REPLY_BODY + SIZEOF_BMAP_OUT;
}

/** `events`: the POLL* bits that hold now. */
export function encodePoll(reply: ReplyBuffer, events: number): void {
  writeWordPadded(reply, events);
  reply.length = REPLY_BODY + SIZEOF_POLL_OUT;
}

/** A finished ioctl: its result and the data that goes back to the caller. */
export function encodeIoctl(reply: ReplyBuffer, result: number, data: Uint8Array): void {
  const dataAt = REPLY_BODY + SIZEOF_IOCTL_OUT;
  needRoom(reply, dataAt + data.length);
  reply.bytes.fill(0, REPLY_BODY, dataAt);
  reply.view.setInt32(REPLY_BODY, result, true);
  reply.bytes.set(data, dataAt);
  reply.length = dataAt + data.length;
}

function writeWordPadded(reply: ReplyBuffer, value: number): void {
  reply.view.setUint32(REPLY_BODY, value, true);
  reply.view.setUint32(REPLY_BODY + 4, 0, true);
}
