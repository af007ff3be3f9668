/**
 * The frames of a zstd stream (RFC 8878, section 3), one after the other, each unpacked by a decoder of its own (fzstd).
 *
 * Only what lies around the compressed blocks is read here: where a frame ends, how large its window is, what is to be
 * skipped. PRECONDITION: the window is small: fzstd moves all of it for each block.
 */

import { Decompress } from 'fzstd';
import { UserError } from '../errno/user-error.js';

const MAX_WINDOW_BYTES = 8 * 1024 * 1024;
const MAX_BLOCK_BYTES = 128 * 1024;
const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const RLE = 1;
const RESERVED = 3;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** What the bytes that are gathered are. */
type Part = 'magic' | 'skipSize' | 'descriptor' | 'header' | 'block' | 'content' | 'checksum' | 'skipped';

export class ZstdFrames {
  #part: Part = 'magic';
  /** Bytes of the part that are still to come. */
  #left = 4;
  /** What has come of a part that is read here. */
  #gathered: Buffer = Buffer.alloc(0);
  #decoder: Decompress | undefined;
  #unpacked: Buffer[] = [];
  #descriptor = 0;
  #isLastBlock = false;

  /** @returns what the chunk unpacks to. @throws UserError */
  push(chunk: Buffer): Buffer[] {
    for (let at = 0; at < chunk.length; ) {
      const bytes = chunk.subarray(at, at + this.#left);
      at += bytes.length;
      this.#left -= bytes.length;
      if (this.#part === 'content' || this.#part === 'checksum') this.#decode(bytes);
      else if (this.#part !== 'skipped') this.#gathered = Buffer.concat([this.#gathered, bytes]);
      while (this.#left === 0) this.#next();
    }
    return this.#unpacked.splice(0);
  }

  /** No more will come. @throws UserError when a frame is incomplete. */
  finish(): void {
    if (this.#part === 'magic' && this.#gathered.length === 0) return;
    throw new UserError('the compressed data ends too early: the file is truncated');
  }

  /** The part is complete. */
  #next(): void {
    const bytes = this.#gathered;
    this.#gathered = Buffer.alloc(0);
    switch (this.#part) {
      case 'magic':
        this.#onMagic(bytes);
        break;
      case 'skipSize':
        this.#expect('skipped', bytes.readUInt32LE(0));
        break;
      case 'descriptor':
        this.#onDescriptor(bytes);
        break;
      case 'header':
        this.#onHeader(bytes);
        break;
      case 'block':
        this.#onBlock(bytes);
        break;
      case 'content':
        this.#afterBlock();
        break;
      case 'checksum':
        this.#endFrame();
        break;
      case 'skipped':
        this.#expect('magic', 4);
    }
  }

  #expect(part: Part, bytes: number): void {
    this.#part = part;
    this.#left = bytes;
  }

  #onMagic(bytes: Buffer): void {
    const magic = bytes.readUInt32LE(0);
    if ((magic & 0xfffffff0) === SKIPPABLE_MAGIC) this.#expect('skipSize', 4);
    else if (magic === FRAME_MAGIC) {
      this.#decoder = new Decompress((data) => {
        if (data.length > 0) this.#unpacked.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
      });
      this.#decode(bytes);
      this.#expect('descriptor', 1);
    } else throw damaged('it goes on with something else');
  }

  #onDescriptor(bytes: Buffer): void {
    this.#descriptor = bytes[0]!;
    this.#decode(bytes);
    this.#expect('header', this.#windowBytes() + this.#dictionaryBytes() + this.#contentBytes());
  }

  #onHeader(bytes: Buffer): void {
    const dictionary = bytes.subarray(this.#windowBytes(), this.#windowBytes() + this.#dictionaryBytes());
    if (dictionary.some((byte) => byte !== 0)) {
      throw dictionaryMissing();
    }
    const size = this.#isSingleSegment()
      ? contentSize(bytes.subarray(dictionary.length))
      : windowSize(bytes[0]!);
    if (size > MAX_WINDOW_BYTES) {
      throw new UserError('the compressed data needs a window of more than 8 MiB to unpack', {
        hint: 'install zstd, or compress it without --long and --ultra',
      });
    }
    this.#decode(bytes);
    this.#expect('block', 3);
  }

  #onBlock(bytes: Buffer): void {
    const header = bytes.readUIntLE(0, 3);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === RESERVED || size > MAX_BLOCK_BYTES) throw damaged('a block is invalid');
    this.#isLastBlock = (header & 1) === 1;
    this.#decode(bytes);
    this.#expect('content', type === RLE ? 1 : size);
  }

  #afterBlock(): void {
    if (!this.#isLastBlock) this.#expect('block', 3);
    else if ((this.#descriptor & 4) !== 0) this.#expect('checksum', 4);
    else this.#endFrame();
  }

  #endFrame(): void {
    this.#decode(Buffer.alloc(0), true);
    this.#decoder = undefined;
    this.#expect('magic', 4);
  }

  #decode(bytes: Buffer, isLast?: true): void {
    try {
      this.#decoder!.push(bytes, isLast);
    } catch (error) {
      throw damaged((error as Error).message, error);
    }
  }

  #isSingleSegment(): boolean {
    return (this.#descriptor & 0x20) !== 0;
  }

  #windowBytes(): number {
    return this.#isSingleSegment() ? 0 : 1;
  }

  #dictionaryBytes(): number {
    return DICTIONARY_ID_BYTES[this.#descriptor & 3]!;
  }

  #contentBytes(): number {
    const flag = this.#descriptor >> 6;
    return flag === 0 && this.#isSingleSegment() ? 1 : CONTENT_SIZE_BYTES[flag]!;
  }
}

export function dictionaryMissing(): UserError {
  return new UserError('the compressed data needs a dictionary', { hint: 'compress it without one' });
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function contentSize(bytes: Buffer): number {
  if (bytes.length === 8) return Number(bytes.readBigUInt64LE(0));
  return bytes.readUIntLE(0, bytes.length) + (bytes.length === 2 ? 256 : 0);
}

function damaged(why: string, cause?: unknown): UserError {
  return new UserError(`the compressed data is damaged: ${why}`, { cause });
}
