/**
 * poll(2) on a fixed set of descriptors, and eventfd(2) to wake a thread that blocks in it.
 *
 * A thread blocked in a foreign call can be neither joined nor terminated: always have an eventfd in the set.
 * EINTR comes back as -EINTR (a signal landed on this thread): call again.
 */

import { EFD_CLOEXEC, POLLIN } from '../constants.js';
import { bind, settle } from '../library.js';

const sysPoll = bind<(fds: Uint8Array, count: number, timeoutMs: number) => number>('poll', 'int', [
  'void *',
  'ulong',
  'int',
]);
const sysEventfd = bind<(initial: number, flags: number) => number>('eventfd', 'int', ['uint', 'int']);
const sysRead = bind<(fd: number, into: Uint8Array, length: number) => number>('read', 'long', [
  'int',
  'void *',
  'ulong',
]);
const sysWrite = bind<(fd: number, from: Uint8Array, length: number) => number>('write', 'long', [
  'int',
  'void *',
  'ulong',
]);

/** struct pollfd: int fd, short events, short revents. */
const POLLFD_BYTES = 8;

/** A preallocated struct pollfd[], each descriptor asked for POLLIN; a negative descriptor is passed over. */
export class PollSet {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly #shorts: Int16Array;

  constructor(fds: number[]) {
    this.count = fds.length;
    this.bytes = new Uint8Array(fds.length * POLLFD_BYTES);
    this.#shorts = new Int16Array(this.bytes.buffer);
    const ints = new Int32Array(this.bytes.buffer);
    fds.forEach((fd, i) => {
      ints[i * 2] = fd;
      this.#shorts[i * 4 + 2] = POLLIN;
    });
  }

  /** What the last `poll()` found at the i-th descriptor: POLL* bits. */
  revents(i: number): number {
    return this.#shorts[i * 4 + 3]!;
  }
}

/** Number of descriptors that have something, 0 at the timeout; -1 as timeout waits for ever. */
export function poll(fds: PollSet, timeoutMs: number): number {
  return settle(sysPoll(fds.bytes, fds.count, timeoutMs));
}

/** eventfd(2) with EFD_* flags; EFD_CLOEXEC is always added. */
export function eventfd(initial: number, flags: number): number {
  return settle(sysEventfd(initial, flags | EFD_CLOEXEC));
}

const EVENTFD_BYTES = 8;
const one = new Uint8Array(EVENTFD_BYTES);
new Uint32Array(one.buffer)[0] = 1;
const drained = new Uint8Array(EVENTFD_BYTES);
const drainedWords = new Uint32Array(drained.buffer);

/** Adds 1 to the counter and so wakes who polls it. */
export function eventfdWrite(fd: number): number {
  return settle(sysWrite(fd, one, EVENTFD_BYTES));
}

/** Takes the counter and gives what it was; at 0 it blocks, or is -EAGAIN with EFD_NONBLOCK. */
export function eventfdDrain(fd: number): number {
  const result = settle(sysRead(fd, drained, EVENTFD_BYTES));
  return result < 0 ? result : drainedWords[1]! * 2 ** 32 + drainedWords[0]!;
}
