/**
 * epoll(7) on a set of descriptors that changes: to look costs the same however many there are.
 *
 * Level-triggered, for input alone. A descriptor whose file is closed by its last owner leaves the set by itself.
 */

import { bind, settle } from '../library.js';

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;

/** struct epoll_event: u32 events, u64 data; packed on x86-64 alone (include/uapi/linux/eventpoll.h). */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const DATA_OFFSET = EVENT_BYTES - 8;
/** As many as one look finds; the kernel gives those that were not found the next time. */
const MOST_EVENTS = 16;

const sysCreate = bind<(flags: number) => number>('epoll_create1', 'int', ['int']);
const sysControl = bind<(epfd: number, operation: number, fd: number, event: Uint8Array) => number>(
  'epoll_ctl',
  'int',
  ['int', 'int', 'int', 'void *'],
);
const sysWait = bind<(epfd: number, events: Uint8Array, most: number, timeoutMs: number) => number>(
  'epoll_wait',
  'int',
  ['int', 'void *', 'int', 'int'],
);

export class Epoll {
  /** Ours to close; a negated errno when there is none. */
  readonly fd = settle(sysCreate(EPOLL_CLOEXEC));
  readonly #events = Buffer.alloc(MOST_EVENTS * EVENT_BYTES);
  readonly #event = Buffer.alloc(128);

  /** 0 or a negated errno. */
  add(fd: number): number {
    this.#event.writeUInt32LE(EPOLLIN, 0);
    this.#event.writeUInt32LE(fd, DATA_OFFSET);
    return settle(sysControl(this.fd, EPOLL_CTL_ADD, fd, this.#event));
  }

  /** 0 or a negated errno. */
  remove(fd: number): number {
    return settle(sysControl(this.fd, EPOLL_CTL_DEL, fd, this.#event));
  }

  /** How many descriptors have something, 0 at the timeout, or a negated errno; -1 as timeout waits for ever. */
  wait(timeoutMs: number): number {
    return settle(sysWait(this.fd, this.#events, MOST_EVENTS, timeoutMs));
  }

  /** The i-th descriptor that the last `wait()` found. */
  found(i: number): number {
    return this.#events.readUInt32LE(i * EVENT_BYTES + DATA_OFFSET);
  }
}
