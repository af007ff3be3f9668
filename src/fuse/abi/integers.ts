/**
 * 64-bit integers and device numbers of the wire as JavaScript numbers; little-endian.
 *
 * Numbers are exact up to 2^53. What the kernel sends above that (a length of 2^64 - 1 that means "to the end") becomes
 * Number.MAX_SAFE_INTEGER, so that a comparison with a file size still comes out right. Values that must come back
 * bit for bit (unique, lock owner) are therefore never read with these functions but as two 32-bit halves.
 */

import type { NodeId } from '../../vfs/node-id.js';

const WORD = 2 ** 32;
/** Upper half of 2^53. */
const UNSAFE_HIGH = 0x200000;

export function readU64(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  if (high === 0) return view.getUint32(at, true);
  if (high >= UNSAFE_HIGH) return Number.MAX_SAFE_INTEGER;
  return high * WORD + view.getUint32(at, true);
}

export function readI64(view: DataView, at: number): number {
  const high = view.getInt32(at + 4, true);
  if (high >= UNSAFE_HIGH) return Number.MAX_SAFE_INTEGER;
  if (high < -UNSAFE_HIGH) return Number.MIN_SAFE_INTEGER;
  return Math.max(high * WORD + view.getUint32(at, true), Number.MIN_SAFE_INTEGER);
}

/** Ids that we gave out ourselves and that are below 2^53. */
export function readNode(view: DataView, at: number): NodeId {
  return readU64(view, at) as NodeId;
}

/** Writes a safe integer; a negative one as two's complement. */
export function writeU64(view: DataView, at: number, value: number): void {
  // ToUint32 is arithmetic modulo 2^32 and a division by 2^32 is exact, so both halves are right for either sign.
  view.setUint32(at, value, true);
  view.setUint32(at + 4, Math.floor(value / WORD), true);
}

/** The 32-bit form in which the kernel passes st_rdev (include/linux/kdev_t.h:new_encode_dev() v6.18). */
export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

export function deviceMajor(device: number): number {
  return (device & 0xfff00) >>> 8;
}

export function deviceMinor(device: number): number {
  return (device & 0xff) | ((device >>> 12) & 0xfff00);
}
