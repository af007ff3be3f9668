/**
 * Notifications: what a server tells the kernel unasked (FUSE_NOTIFY_*, protocol 7.45).
 *
 * The form is that of a reply whose unique is 0 and whose error is the code. Each function fills the buffer from its
 * start and returns the length to write. Use a buffer of their own, since they go out from another thread than replies:
 * a write that the answering thread itself waits for can deadlock.
 */

import type { Name } from '../vfs/name.js';
import type { NodeId } from '../vfs/node-id.js';
import {
  FUSE_NOTIFY_INVAL_ENTRY,
  FUSE_NOTIFY_INVAL_INODE,
  FUSE_NOTIFY_PRUNE,
  FUSE_NOTIFY_RESEND,
  FUSE_NOTIFY_STORE,
  SIZEOF_NOTIFY_INVAL_ENTRY_OUT,
  SIZEOF_NOTIFY_INVAL_INODE_OUT,
  SIZEOF_NOTIFY_PRUNE_OUT,
  SIZEOF_NOTIFY_STORE_OUT,
  SIZEOF_OUT_HEADER,
} from './abi/abi.js';
import { writeU64 } from './abi/integers.js';
import { needRoom, REPLY_BODY, type ReplyBuffer, writeName } from './messages/reply.js';

/** Forget the name. `flags`: FUSE_EXPIRE_ONLY looks it up again at its next use and spares mounts below it. */
export function encodeInvalEntry(reply: ReplyBuffer, parent: NodeId, name: Name, flags: number): number {
  const nameAt = REPLY_BODY + SIZEOF_NOTIFY_INVAL_ENTRY_OUT;
  needRoom(reply, nameAt + name.length + 1);
  writeU64(reply.view, REPLY_BODY, parent);
  reply.view.setUint32(REPLY_BODY + 8, name.length, true);
  reply.view.setUint32(REPLY_BODY + 12, flags, true);
  return finishNamed(reply, FUSE_NOTIFY_INVAL_ENTRY, nameAt, name);
}

/** Forget the attributes, and the cached content from `offset` on: `length` bytes, 0 for all. A negative `offset` keeps the content. */
export function encodeInvalInode(reply: ReplyBuffer, node: NodeId, offset: number, length: number): number {
  writeU64(reply.view, REPLY_BODY, node);
  writeU64(reply.view, REPLY_BODY + 8, offset);
  writeU64(reply.view, REPLY_BODY + 16, length);
  return finish(reply, FUSE_NOTIFY_INVAL_INODE, REPLY_BODY + SIZEOF_NOTIFY_INVAL_INODE_OUT);
}

/** Where the data of a store stands in its buffer. */
export const STORE_DATA = SIZEOF_OUT_HEADER + SIZEOF_NOTIFY_STORE_OUT;

/** Data of the file from its start on, for the kernel's cache; it lies at `STORE_DATA` already. */
export function encodeStore(reply: ReplyBuffer, node: NodeId, length: number): number {
  needRoom(reply, STORE_DATA + length);
  writeU64(reply.view, REPLY_BODY, node);
  writeU64(reply.view, REPLY_BODY + 8, 0);
  reply.view.setUint32(REPLY_BODY + 16, length, true);
  reply.view.setUint32(REPLY_BODY + 20, 0, true);
  return finish(reply, FUSE_NOTIFY_STORE, STORE_DATA + length);
}

/** Forget those of the nodes that nobody uses. */
export function encodePrune(reply: ReplyBuffer, nodes: readonly NodeId[]): number {
  const nodesAt = REPLY_BODY + SIZEOF_NOTIFY_PRUNE_OUT;
  needRoom(reply, nodesAt + nodes.length * 8);
  reply.view.setUint32(REPLY_BODY, nodes.length, true);
  reply.view.setUint32(REPLY_BODY + 4, 0, true);
  writeU64(reply.view, REPLY_BODY + 8, 0);
  nodes.forEach((node, index) => {
    writeU64(reply.view, nodesAt + index * 8, node);
  });
  return finish(reply, FUSE_NOTIFY_PRUNE, nodesAt + nodes.length * 8);
}

/** Send again every request that was read but not answered: the first act of a server that takes a session over. */
export function encodeResend(reply: ReplyBuffer): number {
  return finish(reply, FUSE_NOTIFY_RESEND, SIZEOF_OUT_HEADER);
}

function finishNamed(reply: ReplyBuffer, code: number, nameAt: number, name: Name): number {
  writeName(reply, nameAt, name);
  reply.bytes[nameAt + name.length] = 0;
  return finish(reply, code, nameAt + name.length + 1);
}

function finish(reply: ReplyBuffer, code: number, length: number): number {
  const { view } = reply;
  view.setUint32(0, length, true);
  view.setUint32(4, code, true);
  view.setUint32(8, 0, true);
  view.setUint32(12, 0, true);
  reply.length = SIZEOF_OUT_HEADER;
  return length;
}
