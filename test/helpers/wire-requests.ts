/**
 * Requests as a kernel would write them (include/uapi/linux/fuse.h, protocol 7.45), for tests of the decoders.
 *
 * Shares no code with src/fuse: integers go through BigInt and Buffer's own methods.
 */

import { RequestView } from '../../src/fuse/messages/request.js';

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

/** A latin1 name with its NUL. */
export function cstring(name: string): Buffer {
  return Buffer.from(`${name}\0`, 'latin1');
}

/** Bytes from hex digits; blanks are for the reader. */
export function hex(digits: string): Buffer {
  const plain = digits.replaceAll(/\s/g, '');
  const bytes = Buffer.from(plain, 'hex');
  if (bytes.length * 2 !== plain.length) throw new Error(`not whole bytes of hex: ${digits}`);
  return bytes;
}

export interface RequestOptions {
  readonly unique?: bigint;
  readonly nodeId?: bigint | number;
  readonly uid?: number;
  readonly gid?: number;
  readonly pid?: number;
  /** A multiple of 8 bytes. */
  readonly extensions?: Buffer;
}

/** A whole request: header, body, extensions. */
export function wireRequest(opcode: number, body: Buffer, options: RequestOptions = {}): Buffer {
  const extensions = options.extensions ?? Buffer.alloc(0);
  return Buffer.concat([
    u32(40 + body.length + extensions.length),
    u32(opcode),
    u64(options.unique ?? 2n),
    u64(options.nodeId ?? 1),
    u32(options.uid ?? 1000),
    u32(options.gid ?? 1001),
    u32(options.pid ?? 4242),
    u16(extensions.length / 8),
    u16(0),
    body,
    extensions,
  ]);
}

/** A view of exactly the request, so that a read outside it throws RangeError. */
export function exactView(request: Buffer): RequestView {
  const view = new RequestView(Buffer.from(request));
  view.end = request.length;
  return view;
}

/**
 * A view of the first `length` bytes of the request, its length field saying so, with the rest still behind it as an
 * older request would have left it: a decoder that reads on finds just what it hopes for.
 */
export function staleView(request: Buffer, length: number): RequestView {
  const bytes = Buffer.concat([request, Buffer.alloc(64)]);
  if (length >= 4) bytes.writeUInt32LE(length, 0);
  const view = new RequestView(bytes);
  view.end = length;
  return view;
}
