/**
 * The 512 bytes before each entry: ustar (POSIX.1-2017, pax, "ustar Interchange Format"), GNU tar's, and the old form
 * without a magic number.
 */

import type { Name } from '../../vfs/name.js';
import { BLOCK_BYTES, brokenTar, type Extent } from './entry.js';

export interface Header {
  readonly name: Name;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that follow, padding left out. */
  readonly size: number;
  readonly mtime: number;
  /** One char: '0' for a file, 'x' for pax records ... */
  readonly type: string;
  readonly linkName: Name;
  readonly major: number;
  readonly minor: number;
}

const CHECKSUM_START = 148;
const CHECKSUM_END = 156;
const SPACE = 0x20;

/** @returns undefined for a block of zeros, which ends the archive. @throws UserError for one that is no header. */
export function decodeTarHeader(block: Buffer): Header | undefined {
  const sum = checksumOf(block);
  if (sum === SPACE * 8 && isZero(block)) return undefined;
  if (
    !/^[ 0]*[0-7]+[ \0]/.test(block.toString('latin1', CHECKSUM_START, CHECKSUM_END)) ||
    number(block, CHECKSUM_START, 8) !== sum
  ) {
    throw brokenTar('the checksum of a header is wrong: the file is damaged, or no tar');
  }
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156]!);
  const magic = block.toString('latin1', 257, 263);
  // GNU's own form (magic `ustar `) has other fields where ustar has the prefix.
  const prefix = magic === 'ustar\0' ? text(block, 345, 155) : '';
  const ownName = text(block, 0, 100);
  return {
    name: prefix === '' ? ownName : `${prefix}/${ownName}`,
    mode: number(block, 100, 8),
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size: number(block, 124, 12),
    mtime: number(block, 136, 12),
    type,
    linkName: text(block, 157, 100),
    major: number(block, 329, 8),
    minor: number(block, 337, 8),
  };
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/** With the checksum's own field as spaces. */
export function checksumOf(block: Buffer): number {
  let sum = SPACE * (CHECKSUM_END - CHECKSUM_START);
  for (let at = 0; at < CHECKSUM_START; at++) sum += block[at]!;
  for (let at = CHECKSUM_END; at < BLOCK_BYTES; at++) sum += block[at]!;
  return sum;
}

function text(block: Buffer, start: number, length: number): Name {
  const end = block.indexOf(0, start);
  return block.toString('latin1', start, end < 0 || end > start + length ? start + length : end);
}

/** Octal digits between blanks, or GNU's base-256: first bit set, the rest two's complement, big-endian. */
function number(block: Buffer, start: number, length: number): number {
  const first = block[start]!;
  if ((first & 0x80) !== 0) return base256(block, start, length);
  let value = 0;
  let at = start;
  const end = start + length;
  while (at < end && (block[at] === SPACE || block[at] === 0)) at++;
  for (; at < end; at++) {
    const byte = block[at]!;
    if (byte === SPACE || byte === 0) break;
    if (byte < 0x30 || byte > 0x37) throw brokenTar('a header holds a number that is none');
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function base256(block: Buffer, start: number, length: number): number {
  const isNegative = (block[start]! & 0x40) !== 0;
  let value = block[start]! & 0x3f;
  if (isNegative) value -= 0x40;
  for (let at = start + 1; at < start + length; at++) value = value * 256 + block[at]!;
  if (!Number.isSafeInteger(value)) throw brokenTar('a header holds a number that is too large');
  return value;
}

/** GNU's old sparse form: pairs of offset and length in the header, and in blocks after it. */
interface OldSparse {
  readonly extents: readonly Extent[];
  readonly isExtended: boolean;
}

export function decodeOldSparse(block: Buffer): OldSparse & { readonly realSize: number } {
  return {
    extents: pairs(block, 386, 4),
    isExtended: block[482] !== 0,
    realSize: number(block, 483, 12),
  };
}

export function decodeOldSparseMore(block: Buffer): OldSparse {
  return { extents: pairs(block, 0, 21), isExtended: block[504] !== 0 };
}

const PAIR_BYTES = 24;

function pairs(block: Buffer, start: number, count: number): Extent[] {
  const extents: Extent[] = [];
  for (let index = 0; index < count; index++) {
    const at = start + index * PAIR_BYTES;
    if (block[at] === 0) break;
    extents.push({ offset: number(block, at, 12), length: number(block, at + 12, 12) });
  }
  return extents;
}
