/**
 * What the calling thread has had read from disks: ru_inblock of getrusage(2) for RUSAGE_THREAD, in units of 512 bytes.
 *
 * It tells a thread that waited for a disk from one that waited for a CPU, which a clock does not. What another thread asked the
 * disk for does not count, nor what lies on a file system that reads by threads of its own.
 */

import { bind, settle } from '../library.js';

const RUSAGE_THREAD = 1;
/** struct rusage: two timevals and fourteen longs. */
const RUSAGE_BYTES = 144;
/** Where it is, in words of 32 bits: after two timevals, the eighth long. */
const RU_INBLOCK = 4 + 4 + 7 * 2;

const sysGetrusage = bind<(who: number, usage: Uint8Array) => number>('getrusage', 'int', ['int', 'void *']);

export class ThreadReads {
  readonly #usage = new Uint8Array(RUSAGE_BYTES);
  readonly #words = new Uint32Array(this.#usage.buffer);
  #last = 0;

  constructor() {
    this.hasMore();
  }

  /** Whether there were any since the last time this was asked; false where the kernel does not count. */
  hasMore(): boolean {
    if (settle(sysGetrusage(RUSAGE_THREAD, this.#usage)) < 0) return false;
    const blocks = this.#words[RU_INBLOCK]!;
    const more = blocks !== this.#last;
    this.#last = blocks;
    return more;
  }
}
