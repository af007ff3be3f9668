/**
 * pax extended header records: `LENGTH KEY=VALUE\n`, LENGTH counting all of it in decimal.
 *
 * Values are bytes (latin1 strings): names are UTF-8 by the standard but whatever the disk had in practice, and values
 * of extended attributes are binary.
 */

import type { Name } from '../../vfs/name.js';
import { brokenTar, type Extent } from './entry.js';

/** Records by key, and what GNU's sparse form 0.0 says by repeating keys. */
export interface PaxRecords {
  readonly values: Map<string, Name>;
  readonly sparsePairs: Extent[];
}

export function noRecords(): PaxRecords {
  return { values: new Map(), sparsePairs: [] };
}

const SPACE = 0x20;
const NEWLINE = 0x0a;

/** Adds the records of one header to `into`. @throws UserError */
export function decodePax(bytes: Buffer, into: PaxRecords): void {
  let at = 0;
  let offset = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(SPACE, at);
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space);
    const length = /^[0-9]{1,9}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length === 0 || end <= space + 1 || end > bytes.length || bytes[end - 1] !== NEWLINE) {
      // Some writers fill the block with zeros.
      if (bytes.subarray(at).every((byte) => byte === 0)) return;
      throw brokenTar('a pax header is malformed');
    }
    const record = bytes.toString('latin1', space + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals < 1) throw brokenTar('a pax header holds a record without a key');
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (key === 'GNU.sparse.offset') offset = decimal(value);
    else if (key === 'GNU.sparse.numbytes') into.sparsePairs.push({ offset, length: decimal(value) });
    else into.values.set(key, value);
    at = end;
  }
}

/** One record as bytes. */
export function encodePaxRecord(key: string, value: Name): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`, 'latin1');
}

/** A whole number, not negative. @throws UserError */
export function decimal(text: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw brokenTar(`'${text.slice(0, 40)}' is no number`);
  return value;
}

/** `-1.5` is half a second before -1: seconds -2, nanoseconds 500,000,000. */
export function decodePaxTime(text: string): { readonly sec: number; readonly nsec: number } {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text);
  if (!match) throw brokenTar(`'${text.slice(0, 40)}' is no time`);
  const sec = Number(match[2]);
  const nsec = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (match[1] === '') return { sec, nsec };
  return nsec === 0 ? { sec: -sec, nsec } : { sec: -sec - 1, nsec: 1e9 - nsec };
}

export function encodePaxTime(sec: number, nsec: number): string {
  if (nsec === 0) return String(sec);
  const isNegative = sec < 0;
  const whole = isNegative ? -sec - 1 : sec;
  const fraction = String(isNegative ? 1e9 - nsec : nsec).padStart(9, '0');
  return `${isNegative ? '-' : ''}${whole}.${fraction.replace(/0+$/, '')}`;
}

const XATTR_PREFIX = 'SCHILY.xattr.';
const LIBARCHIVE_PREFIX = 'LIBARCHIVE.xattr.';

/** Extended attributes by name; undefined when there are none. libarchive's own form (base64) where star's is missing. */
export function xattrsOf(values: ReadonlyMap<string, Name>): Map<Name, Buffer> | undefined {
  let xattrs: Map<Name, Buffer> | undefined;
  for (const [key, value] of values) {
    if (key.startsWith(XATTR_PREFIX)) {
      xattrs ??= new Map();
      xattrs.set(key.slice(XATTR_PREFIX.length), Buffer.from(value, 'latin1'));
    } else if (key.startsWith(LIBARCHIVE_PREFIX)) {
      const name = percentDecoded(key.slice(LIBARCHIVE_PREFIX.length));
      if (values.has(XATTR_PREFIX + name)) continue;
      xattrs ??= new Map();
      xattrs.set(name, Buffer.from(value, 'base64'));
    }
  }
  return xattrs;
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

export const xattrKey = (name: Name): string => XATTR_PREFIX + name;
