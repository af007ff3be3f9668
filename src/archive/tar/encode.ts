/**
 * The header of an entry as bytes: ustar where it fits, with pax records before it for what does not (long names, large
 * numbers, nanoseconds, times before 1970, extended attributes).
 *
 * INVARIANT: the same entry gives the same bytes: no user names, no time of writing, attributes sorted by name.
 */

import type { Name } from '../../vfs/name.js';
import { BARE_ENTRY, BLOCK_BYTES, type EntryType, type Extent, paddingOf, type TarEntry } from './entry.js';
import { checksumOf } from './header.js';
import { encodePaxRecord, encodePaxTime, xattrKey } from './pax.js';

const TYPE_FLAGS: Readonly<Record<EntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

const NAME_BYTES = 100;
const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

interface EncodedHeader {
  readonly header: Buffer;
  /** Bytes of data that must follow, before padding: those of the extents when the file is sparse. */
  readonly dataBytes: number;
}

/** The map of a sparse file (GNU form 1.0) is at the end of the header's bytes. */
export function encodeHeader(entry: TarEntry): EncodedHeader {
  const map = entry.extents === undefined ? undefined : sparseMap(entry.extents);
  const dataBytes =
    entry.extents?.reduce((sum, { length }) => sum + length, 0) ??
    (entry.type === 'file' ? entry.sizeBytes : 0);
  const size = dataBytes + (map?.length ?? 0);
  const records = recordsOf(entry, size);
  const parts: Buffer[] = [];
  if (records.length > 0) parts.push(paxHeader(Buffer.concat(records)));
  const name = map === undefined ? entry.name : `GNUSparseFile.0/${entry.name.split('/').at(-1)}`;
  parts.push(ustar({ ...entry, name }, TYPE_FLAGS[entry.type], size));
  if (map !== undefined) parts.push(map);
  return { header: parts.length === 1 ? parts[0]! : Buffer.concat(parts), dataBytes };
}

function recordsOf(entry: TarEntry, size: number): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: Name): number => records.push(encodePaxRecord(key, value));
  if (entry.extents !== undefined) {
    add('GNU.sparse.major', '1');
    add('GNU.sparse.minor', '0');
    add('GNU.sparse.name', entry.name);
    add('GNU.sparse.realsize', String(entry.sizeBytes));
  } else if (entry.name.length > NAME_BYTES) add('path', entry.name);
  if (entry.linkName.length > NAME_BYTES) add('linkpath', entry.linkName);
  if (entry.mtimeNsec !== 0 || entry.mtimeSec < 0 || entry.mtimeSec > MAX_OCTAL_11) {
    add('mtime', encodePaxTime(entry.mtimeSec, entry.mtimeNsec));
  }
  if (size > MAX_OCTAL_11) add('size', String(size));
  if (entry.uid > MAX_OCTAL_7) add('uid', String(entry.uid));
  if (entry.gid > MAX_OCTAL_7) add('gid', String(entry.gid));
  for (const [name, value] of [...(entry.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
    add(xattrKey(name), value.toString('latin1'));
  }
  return records;
}

const PAX_ENTRY: TarEntry = { ...BARE_ENTRY, name: 'PaxHeaders.0/x', type: 'file', mode: 0o644 };

function paxHeader(records: Buffer): Buffer {
  const header = ustar(PAX_ENTRY, 'x', records.length);
  return Buffer.concat([header, records, Buffer.alloc(paddingOf(records.length))]);
}

/** What does not fit is in the records; here it is cut or zero. */
function ustar(entry: TarEntry, typeFlag: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(entry.name.slice(0, NAME_BYTES), 0, 'latin1');
  octal(block, 100, 7, entry.mode);
  octal(block, 108, 7, entry.uid > MAX_OCTAL_7 ? 0 : entry.uid);
  octal(block, 116, 7, entry.gid > MAX_OCTAL_7 ? 0 : entry.gid);
  octal(block, 124, 11, size > MAX_OCTAL_11 ? 0 : size);
  const isTimeInRange = entry.mtimeSec >= 0 && entry.mtimeSec <= MAX_OCTAL_11;
  octal(block, 136, 11, isTimeInRange ? entry.mtimeSec : 0);
  block.write(typeFlag, 156, 'latin1');
  block.write(entry.linkName.slice(0, NAME_BYTES), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 7, entry.major);
  octal(block, 337, 7, entry.minor);
  octal(block, 148, 6, checksumOf(block));
  block.write('\0 ', 154, 'latin1');
  return block;
}

function octal(block: Buffer, at: number, digits: number, value: number): void {
  block.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
}

function sparseMap(extents: readonly Extent[]): Buffer {
  const numbers = [extents.length, ...extents.flatMap(({ offset, length }) => [offset, length])];
  const text = numbers.map((value) => `${value}\n`).join('');
  return Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(paddingOf(text.length))]);
}
