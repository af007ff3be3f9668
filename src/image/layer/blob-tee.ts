/**
 * A blob on its way: hashed, and written to a file, while it is read by something else.
 */

import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Chunks } from '../../archive/compress/decompress.js';
import { writeAll } from '../../archive/streams/write-all.js';
import type { Digest } from '../oci/oci.js';

export class BlobTee {
  sizeBytes = 0;
  readonly #source: Iterator<Buffer> | AsyncIterator<Buffer>;
  readonly #file: FileHandle | undefined;
  readonly #hash = createHash('sha256');
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: Chunks, file?: FileHandle) {
    this.#source =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#file = file;
  }

  /** A reader that stops early does not close the source: `drain()` goes on. */
  chunks(): AsyncIterable<Buffer> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#next() }) };
  }

  /** Reads what is left. */
  async drain(): Promise<void> {
    for (let result = await this.#next(); !result.done; result = await this.#next());
  }

  /** Lets go of the source, read to its end or not: a download then closes its file, and drops what was refused. */
  async close(): Promise<void> {
    await this.#turn;
    await this.#source.return?.();
  }

  /** PRECONDITION: drained. */
  digest(): Digest {
    return `sha256:${this.#hash.digest('hex')}`;
  }

  /** One at a time: a reader that was stopped may still wait for its last. */
  #next(): Promise<IteratorResult<Buffer>> {
    const turn = this.#turn.then(() => this.#step());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #step(): Promise<IteratorResult<Buffer>> {
    const result = await this.#source.next();
    if (result.done) return { done: true, value: undefined };
    const chunk = result.value;
    this.#hash.update(chunk);
    this.sizeBytes += chunk.length;
    if (this.#file !== undefined) await writeAll(this.#file, chunk, 'a blob into the store');
    return { done: false, value: chunk };
  }
}
