/**
 * READDIR and READDIRPLUS: the sink that a file system fills with directory entries (fuse_dirent and fuse_direntplus,
 * protocol 7.45).
 *
 * A record is [fuse_entry_out, 128 bytes, in READDIRPLUS alone] | ino, offset, name length, type (24 bytes) | name |
 * zeros up to a multiple of 8. The kernel drops a record that is cut off, padding included, so one is written whole or
 * not at all.
 */

import type { Entry } from '../../vfs/attr.js';
import type { DirentSink } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { SIZEOF_DIRENT, SIZEOF_ENTRY_OUT } from '../abi/abi.js';
import { writeU64 } from '../abi/integers.js';
import { writeEntry } from './encode-entry.js';
import { REPLY_BODY, ReplyBuffer, SMALLEST_REPLY, writeName } from './reply.js';

/** One serves all listings of a session. INVARIANT: the reply's `length` is that of the records added so far. */
export class DirentBuffer implements DirentSink {
  plus = false;
  /** Nothing fits before begin() names the real one. */
  #reply = new ReplyBuffer(SMALLEST_REPLY);
  #limit = REPLY_BODY;

  /** Bytes of records so far. */
  get length(): number {
    return this.#reply.length - REPLY_BODY;
  }

  /** Starts a listing in `reply` of at most `maxSize` bytes, the size that the request names. */
  begin(reply: ReplyBuffer, maxSize: number, records: 'plain' | 'plus'): void {
    this.plus = records === 'plus';
    this.#reply = reply;
    this.#limit = Math.min(REPLY_BODY + maxSize, reply.bytes.length);
    reply.length = REPLY_BODY;
  }

  fits(nameLength: number): boolean {
    const fixed = this.plus ? SIZEOF_ENTRY_OUT + SIZEOF_DIRENT : SIZEOF_DIRENT;
    return this.#reply.length + align(fixed + nameLength) <= this.#limit;
  }

  /**
   * PRECONDITION: `fits`. In a listing with attributes the entry gets node 0: the kernel takes the name alone, and no
   * reference.
   * @throws RangeError where it does not fit.
   */
  add(name: Name, ino: number, type: number, nextOffset: number): void {
    if (!this.fits(name.length)) throw refused(name);
    let at = this.#reply.length;
    if (this.plus) {
      this.#reply.bytes.fill(0, at, at + SIZEOF_ENTRY_OUT);
      at += SIZEOF_ENTRY_OUT;
    }
    this.#addDirent(at, name, ino, type, nextOffset);
  }

  /** PRECONDITION: `fits` and `plus`. @throws RangeError otherwise: the entry's reference would be lost. */
  addPlus(name: Name, entry: Entry, type: number, nextOffset: number): void {
    if (!this.plus || !this.fits(name.length)) throw refused(name);
    const at = this.#reply.length;
    writeEntry(this.#reply.view, at, entry);
    this.#addDirent(at + SIZEOF_ENTRY_OUT, name, entry.attr.ino, type, nextOffset);
  }

  #addDirent(at: number, name: Name, ino: number, type: number, nextOffset: number): void {
    const { bytes, view } = this.#reply;
    writeU64(view, at, ino);
    writeU64(view, at + 8, nextOffset);
    view.setUint32(at + 16, name.length, true);
    view.setUint32(at + 20, type, true);
    writeName(this.#reply, at + SIZEOF_DIRENT, name);
    const nameEnd = at + SIZEOF_DIRENT + name.length;
    const end = at + align(SIZEOF_DIRENT + name.length);
    for (let i = nameEnd; i < end; i++) bytes[i] = 0;
    this.#reply.length = end;
  }
}

function align(sizeBytes: number): number {
  return (sizeBytes + 7) & ~7;
}

function refused(name: Name): RangeError {
  return new RangeError(`directory entry of ${name.length} bytes added where it does not fit`);
}
