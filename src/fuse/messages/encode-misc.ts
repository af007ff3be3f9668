/**
 * Replies of few fields: WRITE, COPY_FILE_RANGE(_64), LSEEK, STATFS, xattr sizes, IOCTL.
 *
 * Replies without a body (UNLINK, RMDIR, RENAME, FLUSH, RELEASE, FSYNC, SETXATTR, REMOVEXATTR, FALLOCATE,
 * DESTROY, ...) are finishReply alone.
 */

import type { StatFs } from '../../vfs/attr.js';
import {
  SIZEOF_COPY_FILE_RANGE_OUT,
  SIZEOF_GETXATTR_OUT,
  SIZEOF_IOCTL_OUT,
  SIZEOF_LSEEK_OUT,
  SIZEOF_STATFS_OUT,
  SIZEOF_WRITE_OUT,
} from '../abi/abi.js';
import { writeU64 } from '../abi/integers.js';
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
