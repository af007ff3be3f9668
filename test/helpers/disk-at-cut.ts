/**
 * What is on a recorded disk (recorded-disk.ts) after a power cut: all that was written before the last flush, and of what came
 * after it some, since a disk writes its cache in any order.
 */

import { closeSync, copyFileSync, openSync, readFileSync, writeSync } from 'node:fs';

export const WRITE = 1;
export const FLUSH = 2;
export const HEADER_BYTES = 16;

interface Entry {
  readonly kind: number;
  readonly offset: number;
  readonly bytes: Buffer;
  /** Where the record ends. */
  readonly end: number;
}

export class DiskRecord {
  readonly #entries: Entry[] = [];

  constructor(path: string) {
    const all = readFileSync(path);
    for (let at = 0; at < all.length; ) {
      const start = at + HEADER_BYTES;
      const end = start + all.readUInt32LE(at + 4);
      const entry = {
        kind: all.readUInt32LE(at),
        offset: all.readDoubleLE(at + 8),
        bytes: all.subarray(start, end),
        end,
      };
      this.#entries.push(entry);
      at = end;
    }
  }

  /** Writes and flushes. */
  get length(): number {
    return this.#entries.length;
  }

  /** How much had been recorded after so many entries, as `stat` of the record told at that time. */
  sizeAfter(entries: number): number {
    return this.#entries[entries - 1]?.end ?? 0;
  }

  /**
   * Makes the image of the disk as it is after a cut.
   * @param base the image before the first entry.
   * @param entries how many there were when the power went.
   * @param survives says of each write after the last flush whether it reached the disk.
   */
  write(base: string, image: string, entries: number, survives: () => boolean): void {
    copyFileSync(base, image);
    const fd = openSync(image, 'r+');
    const before = this.#entries.slice(0, entries);
    const flushed = before.findLastIndex(({ kind }) => kind === FLUSH);
    before.forEach(({ kind, offset, bytes }, index) => {
      if (kind === WRITE && (index < flushed || survives())) writeSync(fd, bytes, 0, bytes.length, offset);
    });
    closeSync(fd);
  }
}
