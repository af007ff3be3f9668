/**
 * fstatfs(2), and the record it fills, read in place.
 *
 * struct statfs of the 64-bit architectures (asm-generic/statfs.h, 120 bytes): every field used here is 64 bits wide,
 * and becomes a JS number, exact to 2^53.
 */

import { bind, settle } from '../library.js';

const STATFS_BYTES = 120;
const TWO_32 = 2 ** 32;

const sysFstatfs = bind<(fd: number, out: Uint8Array) => number>('fstatfs', 'int', ['int', 'void *']);

/** One result of fstatfs(2); blocks are counted in units of `frsize`. */
export class StatFsResult {
  readonly bytes = new Uint8Array(STATFS_BYTES);
  readonly #words = new Uint32Array(this.bytes.buffer);

  /** The magic number of the file system: 0xef53 for ext4. */
  get type(): number {
    return this.#wide(0);
  }
  get bsize(): number {
    return this.#wide(2);
  }
  get blocks(): number {
    return this.#wide(4);
  }
  get bfree(): number {
    return this.#wide(6);
  }
  get bavail(): number {
    return this.#wide(8);
  }
  get files(): number {
    return this.#wide(10);
  }
  get ffree(): number {
    return this.#wide(12);
  }
  get namelen(): number {
    return this.#wide(16);
  }
  /** A kernel before 2.6.36 and some file systems leave it 0: then it is `bsize`. */
  get frsize(): number {
    const value = this.#wide(18);
    return value === 0 ? this.bsize : value;
  }
  /** ST_* bits of the mount. */
  get flags(): number {
    return this.#wide(20);
  }

  #wide(word: number): number {
    return this.#words[word + 1]! * TWO_32 + this.#words[word]!;
  }
}

/** fstatfs(2); O_PATH descriptors are good. */
export function fstatfs(fd: number, out: StatFsResult): number {
  return settle(sysFstatfs(fd, out.bytes));
}
