/**
 * The frames of a zstd stream (RFC 8878, section 3), one after the other, for decoders that know one frame alone.
 *
 * Only what lies around the compressed blocks is read here: where a frame ends, how large its window is, what is to be
 * skipped.
 */

import { UserError } from '../../errno/user-error.js';

const MAX_BLOCK_BYTES = 128 * 1024;
const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const RLE = 1;
const RESERVED = 3;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** What the bytes that are gathered are. */
type Part = 'magic' | 'skipSize' | 'descriptor' | 'header' | 'block' | 'content' | 'checksum' | 'skipped';

/** Bytes of a frame, in order. */
export interface FramePart {
  readonly bytes: Buffer;
  /** The frame ends with them. */
  readonly isLast: boolean;
  /** They are all of the frame. */
  readonly isWhole: boolean;
}

export class ZstdFrames {
  readonly #maxWindowBytes: number;
  #part: Part = 'magic';
  /** Bytes of the part that are still to come. */
  #left = 4;
  /** What has come of a part that is read here. */
  #gathered: Buffer = Buffer.alloc(0);
  #descriptor = 0;
  #isLastBlock = false;
  #found: FramePart[] = [];
  /** Where the frame's bytes that are not given out yet begin in the chunk; negative: outside of frames. */
  #from = -1;
  /** How far the chunk is read. */
  #at = 0;
  /** A part of the frame was given out already. */
  #isBegun = false;

  constructor(maxWindowBytes: number) {
    this.#maxWindowBytes = maxWindowBytes;
  }

  /** @returns what the chunk has of frames. @throws UserError */
  push(chunk: Buffer): FramePart[] {
    if (this.#from > 0) this.#from = 0;
    this.#at = 0;
    while (this.#at < chunk.length) {
      const bytes = chunk.subarray(this.#at, this.#at + this.#left);
      this.#at += bytes.length;
      this.#left -= bytes.length;
      const isRead = this.#part !== 'content' && this.#part !== 'checksum' && this.#part !== 'skipped';
      if (isRead) this.#gathered = Buffer.concat([this.#gathered, bytes]);
      while (this.#left === 0) this.#next(chunk);
    }
    if (this.#from >= 0) this.#give(chunk.subarray(this.#from), { isLast: false });
    return this.#found.splice(0);
  }

  /** No more will come. @throws UserError when a frame is incomplete. */
  finish(): void {
    if (this.#part === 'magic' && this.#gathered.length === 0) return;
    throw new UserError('the compressed data ends too early: the file is truncated');
  }

  /** The part is complete. */
  #next(chunk: Buffer): void {
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
        this.#afterBlock(chunk);
        break;
      case 'checksum':
        this.#endFrame(chunk);
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
      this.#isBegun = false;
      this.#from = this.#at - bytes.length;
      if (this.#from < 0) {
        this.#from = this.#at;
        this.#give(bytes, { isLast: false });
      }
      this.#expect('descriptor', 1);
    } else throw damagedFrame('it goes on with something else');
  }

  #onDescriptor(bytes: Buffer): void {
    this.#descriptor = bytes[0]!;
    this.#expect('header', this.#windowBytes() + this.#dictionaryBytes() + this.#contentSizeBytes());
  }

  #onHeader(bytes: Buffer): void {
    const dictionary = bytes.subarray(this.#windowBytes(), this.#windowBytes() + this.#dictionaryBytes());
    if (dictionary.some((byte) => byte !== 0)) {
      throw dictionaryMissing();
    }
    const content = bytes.subarray(this.#windowBytes() + this.#dictionaryBytes());
    const size = this.#isSingleSegment() ? contentSize(content) : windowSize(bytes[0]!);
    if (size > this.#maxWindowBytes) {
      const limit = this.#maxWindowBytes / 2 ** 20;
      throw new UserError(`the compressed data needs a window of more than ${limit} MiB to unpack`, {
        hint: 'install zstd, or compress it without --long and --ultra',
      });
    }
    this.#expect('block', 3);
  }

  #onBlock(bytes: Buffer): void {
    const header = bytes.readUIntLE(0, 3);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === RESERVED || size > MAX_BLOCK_BYTES) throw damagedFrame('a block is invalid');
    this.#isLastBlock = (header & 1) === 1;
    this.#expect('content', type === RLE ? 1 : size);
  }

  #afterBlock(chunk: Buffer): void {
    if (!this.#isLastBlock) this.#expect('block', 3);
    else if ((this.#descriptor & 4) !== 0) this.#expect('checksum', 4);
    else this.#endFrame(chunk);
  }

  #endFrame(chunk: Buffer): void {
    this.#give(chunk.subarray(this.#from, this.#at), { isLast: true });
    this.#from = -1;
    this.#expect('magic', 4);
  }

  #give(bytes: Buffer, { isLast }: { readonly isLast: boolean }): void {
    this.#found.push({ bytes, isLast, isWhole: isLast && !this.#isBegun });
    this.#isBegun = true;
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

  #contentSizeBytes(): number {
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

export function damagedFrame(why: string, cause?: unknown): UserError {
  return new UserError(`the compressed data is damaged: ${why}`, { cause });
}
