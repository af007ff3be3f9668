/**
 * Reads a tar as it arrives: whatever pieces are written, the sink gets entries and their data, in order and at once.
 *
 * Synchronous, since a layer has a hundred thousand entries and each costs some microseconds on disk. tar-stream was
 * measured and read: it decodes pax values as UTF-8 (attributes and names that are not lose bytes), knows no sparse
 * file, and makes a stream for each entry.
 * INVARIANT: memory is bounded by MAX_RECORDS_BYTES, whatever sizes the tar claims and however many headers it has
 * before an entry.
 */

import type { Name } from '../../vfs/name.js';
import { BLOCK_BYTES, brokenTar, type EntryType, type Extent, paddingOf, type TarEntry } from './entry.js';
import { decodeOldSparse, decodeOldSparseMore, decodeTarHeader, type Header } from './header.js';
import { decimal, decodePax, decodePaxTime, noRecords, type PaxRecords, xattrsOf } from './pax.js';
import { type SparseForm, SparseMap, sparseFromPax } from './sparse.js';

export interface TarSink {
  entry(entry: TarEntry): void;
  /** Bytes of the entry's file at `offset`; the buffer is the sink's only until it returns. */
  data(bytes: Buffer, offset: number): void;
  /** After the last byte of the entry. */
  end(): void;
}

/** The most that all headers before one entry may take. */
const MAX_RECORDS_BYTES = 4 * 1024 * 1024;
/** The most that records for all entries may take, since each entry takes them over. git writes 52. */
const MAX_GLOBAL_BYTES = 64 * 1024;

const TYPES: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
  D: 'directory',
};

/** What the bytes that come next are. */
type State = 'header' | 'sparse' | 'map' | 'records' | 'data' | 'skip' | 'over';

export class TarReader {
  readonly #sink: TarSink;
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  #blockLength = 0;
  /** Bytes written before the chunk that is being read. */
  #before = 0;
  /** Where the data of the entry begins, from the start of the tar. */
  dataOffset = 0;
  #state: State = 'header';
  /** Bytes left of records, data or what is skipped. */
  #left = 0;
  #padding = 0;
  #records: Buffer[] = [];
  #recordsType = '';
  /** What the headers since the last entry take. */
  #recordsBytes = 0;
  #globalBytes = 0;
  #global = noRecords();
  #pax: PaxRecords | undefined;
  #longName: Name | undefined;
  #longLink: Name | undefined;
  #header: Header | undefined;
  #extents: Extent[] = [];
  #realSize = 0;
  #map: SparseMap | undefined;
  /** Where the next byte of data belongs: the extent, and how much of it is there. */
  #extent = 0;
  #inExtent = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** @throws UserError for what is no tar, and whatever the sink throws. */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case 'over':
          at = chunk.length;
          break;
        case 'data':
          at = this.#takeData(chunk, at);
          break;
        case 'skip':
          at = this.#skip(chunk, at);
          break;
        case 'records':
          at = this.#takeRecords(chunk, at);
          break;
        default:
          at = this.#takeBlock(chunk, at);
      }
    }
    this.#before += chunk.length;
  }

  /** Bytes of data and padding that come next, for who can seek; `jump()` over them. */
  pending(): number {
    return this.#state === 'data' || this.#state === 'skip' ? this.#left : 0;
  }

  /** Goes on after what is pending, as if it had been written; the sink sees none of it. */
  jump(): void {
    this.#before += this.#left;
    this.#left = 0;
    if (this.#state === 'data') this.#endData();
    else if (this.#state === 'skip') this.#state = 'header';
  }

  /**
   * No more will come.
   * @throws UserError when an entry is incomplete, or the archive has no end and `wantsEnd`.
   */
  finish({ wantsEnd }: { readonly wantsEnd: boolean }): void {
    if (this.#state === 'over') return;
    const isBetween = this.#state === 'header' && this.#blockLength === 0 && this.#pax === undefined;
    if (!isBetween || wantsEnd) throw brokenTar('it ends too early: the file is truncated');
  }

  #takeBlock(chunk: Buffer, at: number): number {
    if (this.#blockLength === 0 && chunk.length - at >= BLOCK_BYTES) {
      this.dataOffset = this.#before + at + BLOCK_BYTES;
      this.#onBlock(chunk.subarray(at, at + BLOCK_BYTES));
      return at + BLOCK_BYTES;
    }
    const length = Math.min(BLOCK_BYTES - this.#blockLength, chunk.length - at);
    chunk.copy(this.#block, this.#blockLength, at, at + length);
    this.#blockLength += length;
    if (this.#blockLength === BLOCK_BYTES) {
      this.#blockLength = 0;
      this.dataOffset = this.#before + at + length;
      this.#onBlock(this.#block);
    }
    return at + length;
  }

  #onBlock(block: Buffer): void {
    if (this.#state === 'map') this.#onMapBlock(block);
    else if (this.#state === 'sparse') this.#onSparseBlock(block);
    else this.#onHeader(block);
  }

  #onHeader(block: Buffer): void {
    const header = decodeTarHeader(block);
    if (header === undefined) {
      this.#state = 'over';
      return;
    }
    if (header.size < 0) throw brokenTar('a size is negative', header.name);
    if ('xgLKX'.includes(header.type)) {
      this.#countRecords(header);
      this.#recordsType = header.type;
      this.#left = header.size;
      this.#padding = paddingOf(header.size);
      this.#state = 'records';
      if (header.size === 0) this.#endRecords();
    } else if (header.type === 'V') {
      this.#skipBytes(header.size);
    } else {
      this.#onEntry(header, block);
    }
  }

  #countRecords({ type, size, name }: Header): void {
    if (type === 'g') this.#globalBytes += size;
    else this.#recordsBytes += size;
    if (this.#globalBytes > MAX_GLOBAL_BYTES) {
      throw brokenTar('its headers for all entries are larger than 64 KiB', name);
    }
    if (this.#recordsBytes > MAX_RECORDS_BYTES) {
      throw brokenTar('the headers of an entry are larger than 4 MiB', name);
    }
  }

  #onEntry(header: Header, block: Buffer): void {
    this.#header = header;
    this.#extents = [];
    if (header.type === 'S') {
      const { extents, isExtended, realSize } = decodeOldSparse(block);
      this.#extents.push(...extents);
      this.#realSize = realSize;
      if (isExtended) this.#state = 'sparse';
      else this.#begin({ extents: this.#extents, realSize });
      return;
    }
    const form = sparseFromPax(this.#paxRecords());
    if (form?.isInData) {
      this.#map = new SparseMap();
      this.#realSize = form.realSize;
      this.#state = 'map';
      return;
    }
    this.#begin(form);
  }

  #onSparseBlock(block: Buffer): void {
    const { extents, isExtended } = decodeOldSparseMore(block);
    this.#extents.push(...extents);
    if (this.#extents.length > SparseMap.MAX_EXTENTS) throw brokenTar('a sparse file has too many pieces');
    if (!isExtended) this.#begin({ extents: this.#extents, realSize: this.#realSize });
  }

  /** GNU sparse form 1.0: the map comes first in the data. */
  #onMapBlock(block: Buffer): void {
    const map = this.#map!;
    if (!map.add(block)) return;
    this.#map = undefined;
    this.#begin({ extents: map.extents, realSize: this.#realSize, name: this.#sparseName() }, map.bytes);
  }

  #sparseName(): Name | undefined {
    return this.#pax?.values.get('GNU.sparse.name');
  }

  /** @param used bytes of the data that were the map. */
  #begin(sparse: Omit<SparseForm, 'isInData'> | undefined, used = 0): void {
    const header = this.#header!;
    const values = this.#paxRecords().values;
    const stored = sizeOf(header, values);
    const entry = this.#entryOf(header, values, sparse, stored);
    this.#pax = undefined;
    this.#recordsBytes = 0;
    this.#longName = undefined;
    this.#longLink = undefined;
    const dataBytes = stored - used;
    this.#left = Math.max(dataBytes, 0);
    this.#padding = paddingOf(stored);
    if (sparse !== undefined) checkExtents(sparse, dataBytes, entry.name);
    this.#extents = [...(entry.extents ?? [{ offset: 0, length: dataBytes }])];
    this.#extent = 0;
    this.#inExtent = 0;
    this.#sink.entry(entry);
    if (header.type === 'D') {
      this.#sink.end();
      this.#skipBytes(stored);
      return;
    }
    this.#state = 'data';
    if (this.#left === 0) this.#endData();
  }

  #entryOf(
    header: Header,
    values: ReadonlyMap<string, Name>,
    sparse: Omit<SparseForm, 'isInData'> | undefined,
    stored: number,
  ): TarEntry {
    const name = sparse?.name ?? values.get('path') ?? this.#longName ?? header.name;
    // Before ustar a directory was a file whose name ends with a slash.
    const isOldDirectory = header.type === '0' && name.endsWith('/');
    const type = isOldDirectory ? 'directory' : TYPES[header.type];
    if (type === undefined) {
      throw brokenTar(`entries of type '${header.type}' are not supported`, name);
    }
    const mtime = values.get('mtime');
    const time = mtime === undefined ? { sec: header.mtime, nsec: 0 } : decodePaxTime(mtime);
    return {
      name,
      type,
      mode: header.mode & 0o7777,
      uid: idOf(values.get('uid'), header.uid, name),
      gid: idOf(values.get('gid'), header.gid, name),
      sizeBytes: sparse?.realSize ?? stored,
      mtimeSec: time.sec,
      mtimeNsec: time.nsec,
      linkName: values.get('linkpath') ?? this.#longLink ?? header.linkName,
      major: header.major,
      minor: header.minor,
      xattrs: xattrsOf(values),
      extents: sparse?.extents,
    };
  }

  #paxRecords(): PaxRecords {
    return this.#pax ?? this.#global;
  }

  #takeData(chunk: Buffer, start: number): number {
    let at = start;
    while (at < chunk.length && this.#left > 0) {
      const extent = this.#extents[this.#extent];
      if (extent === undefined) {
        // Checked at the beginning: the extents hold all data.
        throw brokenTar('a sparse file has more data than it says');
      }
      const length = Math.min(extent.length - this.#inExtent, chunk.length - at);
      if (length > 0) this.#sink.data(chunk.subarray(at, at + length), extent.offset + this.#inExtent);
      at += length;
      this.#left -= length;
      this.#inExtent += length;
      if (this.#inExtent === extent.length) {
        this.#extent++;
        this.#inExtent = 0;
      }
    }
    if (this.#left === 0) this.#endData();
    return at;
  }

  #endData(): void {
    this.#sink.end();
    this.#left = this.#padding;
    this.#state = this.#left > 0 ? 'skip' : 'header';
  }

  #skipBytes(size: number): void {
    this.#left = size + paddingOf(size);
    this.#state = this.#left > 0 ? 'skip' : 'header';
  }

  #skip(chunk: Buffer, at: number): number {
    const length = Math.min(this.#left, chunk.length - at);
    this.#left -= length;
    if (this.#left === 0) this.#state = 'header';
    return at + length;
  }

  #takeRecords(chunk: Buffer, at: number): number {
    const length = Math.min(this.#left, chunk.length - at);
    this.#records.push(Buffer.from(chunk.subarray(at, at + length)));
    this.#left -= length;
    if (this.#left === 0) this.#endRecords();
    return at + length;
  }

  #endRecords(): void {
    const bytes = Buffer.concat(this.#records);
    this.#records = [];
    if (this.#recordsType === 'L') this.#longName = untilNul(bytes);
    else if (this.#recordsType === 'K') this.#longLink = untilNul(bytes);
    else if (this.#recordsType === 'g') decodePax(bytes, this.#global);
    else {
      this.#pax ??= { values: new Map(this.#global.values), sparsePairs: [] };
      decodePax(bytes, this.#pax);
    }
    this.#left = this.#padding;
    this.#state = this.#left > 0 ? 'skip' : 'header';
  }
}

/** Links, devices and directories have no data, whatever their size says: GNU tar and Go read them so. */
function sizeOf(header: Header, values: ReadonlyMap<string, Name>): number {
  const type = TYPES[header.type];
  if (header.type !== 'D' && type !== 'file') return 0;
  const size = values.get('size');
  return size === undefined ? header.size : decimal(size);
}

const MAX_ID = 2 ** 32 - 2;

function idOf(text: string | undefined, fallback: number, name: Name): number {
  const id = text === undefined ? fallback : decimal(text);
  if (id < 0 || id > MAX_ID) throw brokenTar(`the owner ${id} is no id`, name);
  return id;
}

function checkExtents(sparse: Omit<SparseForm, 'isInData'>, dataBytes: number, name: Name): void {
  let end = 0;
  let total = 0;
  for (const { offset, length } of sparse.extents) {
    if (offset < end || offset + length > sparse.realSize) {
      throw brokenTar('the pieces of a sparse file overlap or leave it', name);
    }
    end = offset + length;
    total += length;
  }
  if (total !== dataBytes) throw brokenTar('the pieces of a sparse file are not its data', name);
}

function untilNul(bytes: Buffer): Name {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}
