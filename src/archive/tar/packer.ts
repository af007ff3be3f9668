/**
 * Bytes of a tar gathered into pieces of one size, so that whoever takes them has few and large ones.
 */

import { BLOCK_BYTES, paddingOf } from './entry.js';

const PIECE_BYTES = 256 * 1024;

export class Packer {
  #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #length = 0;

  *add(bytes: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(bytes.length - at, PIECE_BYTES - this.#length);
      this.#piece.set(
        at === 0 && length === bytes.length ? bytes : bytes.subarray(at, at + length),
        this.#length,
      );
      at += length;
      this.#length += length;
      if (this.#length === PIECE_BYTES) yield this.#take();
    }
  }

  /** `length` bytes that `read` puts into the buffers that it is given, at the offset given; then the padding. */
  *fill(length: number, read: (into: Buffer, offset: number) => void): Generator<Buffer> {
    for (let done = 0; done < length; ) {
      const part = Math.min(length - done, PIECE_BYTES - this.#length);
      read(this.#piece.subarray(this.#length, this.#length + part), done);
      done += part;
      this.#length += part;
      if (this.#length === PIECE_BYTES) yield this.#take();
    }
  }

  *pad(length: number): Generator<Buffer> {
    const padding = paddingOf(length);
    if (padding > 0) yield* this.add(ZEROS.subarray(0, padding));
  }

  /** The end of the archive. */
  *end(): Generator<Buffer> {
    yield* this.add(ZEROS);
    if (this.#length > 0) yield this.#take();
  }

  #take(): Buffer {
    const piece = this.#piece.subarray(0, this.#length);
    this.#piece = Buffer.allocUnsafe(PIECE_BYTES);
    this.#length = 0;
    return piece;
  }
}

const ZEROS = Buffer.alloc(2 * BLOCK_BYTES);
