/**
 * A request as it lies in the session's buffer: its header, its extensions, and the bounds checks that every decoder
 * goes through (fuse_in_header and fuse_ext_header, protocol 7.45).
 *
 * Layout: header (40 bytes) | body | extensions (`total_extlen` units of 8 bytes; we ask for none, and skip them).
 * INVARIANT: no decoder uses a byte at or after `RequestView.end`. A request that is shorter than its body, lacks a NUL
 * or contradicts its own lengths throws FsError EPROTO with the operation as `op`, and nothing else.
 */

import { EPROTO } from '../../errno/errno.js';
import { type FsError, fsError } from '../../errno/fs-error.js';
import type { Name } from '../../vfs/name.js';
import type { NodeId } from '../../vfs/node-id.js';
import { SIZEOF_IN_HEADER } from '../abi/abi.js';
import { opcodeName } from '../abi/abi-opcodes.js';
import { readNode } from '../abi/integers.js';

/** Where the body of a request starts. */
export const BODY = SIZEOF_IN_HEADER;

export class RequestHeader {
  /** The length of the whole request, extensions included. */
  len = 0;
  opcode = 0;
  /** The reply repeats both halves bit for bit; the upper one may carry FUSE_UNIQUE_RESEND_HIGH. */
  uniqueLow = 0;
  uniqueHigh = 0;
  nodeId = 0 as NodeId;
  uid = 0;
  gid = 0;
  pid = 0;
}

/** The session's request buffer. One serves all requests: set `end` to the bytes read, then decode the header. */
export class RequestView {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Before decodeRequestHeader the bytes read; after it where the body ends. */
  end = 0;

  constructor(buffer: Buffer) {
    this.bytes = buffer;
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }
}

/** @throws EPROTO unless the header is whole and its length is that of the bytes read. */
export function decodeRequestHeader(request: RequestView, out: RequestHeader): void {
  const { view, end } = request;
  if (end < SIZEOF_IN_HEADER || end > view.byteLength) throw fsError(EPROTO, 'fuse request header');
  const extensionLength = view.getUint16(36, true) * 8;
  if (view.getUint32(0, true) !== end || extensionLength > end - SIZEOF_IN_HEADER) throw malformed(request);
  out.len = end;
  out.opcode = view.getUint32(4, true);
  out.uniqueLow = view.getUint32(8, true);
  out.uniqueHigh = view.getUint32(12, true);
  out.nodeId = readNode(view, 16);
  out.uid = view.getUint32(24, true);
  out.gid = view.getUint32(28, true);
  out.pid = view.getUint32(32, true);
  request.end = end - extensionLength;
}

/** The error for a request that is not what the protocol says; the caller throws it. */
export function malformed(request: RequestView): FsError {
  return fsError(EPROTO, `fuse ${opcodeName(request.view.getUint32(4, true))} request`);
}

/** Called once by each decoder, before it reads its fixed part. */
export function needBody(request: RequestView, sizeBytes: number): void {
  if (request.end < BODY + sizeBytes) throw malformed(request);
}

/** The name that starts at `at`, without its NUL; the next field is at `at + name.length + 1`. It is never empty. */
export function readName(request: RequestView, at: number): Name {
  // indexOf may scan on into an older request but its answer is then refused; a loop bounded by `end` costs 20 to
  // 200 ns for names of 17 to 200 bytes where this costs 10 (Node 20.20).
  const nul = request.bytes.indexOf(0, at);
  if (nul <= at || nul >= request.end) throw malformed(request);
  return request.bytes.toString('latin1', at, nul);
}

/** Checks that `sizeBytes` bytes of data lie at `at`. */
export function needData(request: RequestView, at: number, sizeBytes: number): void {
  if (at + sizeBytes > request.end) throw malformed(request);
}
