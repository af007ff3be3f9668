/**
 * Descriptors that outlive the process that opened them: they lie as messages (SCM_RIGHTS, unix(7)) in the queue of a socket pair,
 * where the kernel keeps them open while some process holds both sockets. Whoever holds them need not know what is in it.
 *
 * A message is a label and its descriptor. The queue gives what was put first; to look at all of it each message is put at its end
 * again before it is taken from its beginning, so that a process that is killed meanwhile leaves one twice and loses none.
 * INVARIANT: one thread at a time uses a store.
 */

import { EAGAIN } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { close } from '../files/open.js';
import { bind, settle } from '../library.js';
import { receiveMessage, SOCK_SEQPACKET, SOL_SOCKET, sendMessage, socketpair } from './socket-message.js';

const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;
const MSG_PEEK = 2;

const sysSetsockopt = bind<
  (fd: number, level: number, option: number, value: Uint8Array, length: number) => number
>('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint']);

/** Each message takes some 800 bytes of it. */
const QUEUE_BYTES = 8 * 1024 * 1024;
const MARK = 'mark';

/** What lies in a store under a label. */
interface StoredDescriptor {
  readonly label: string;
  /** Open in this process too, close-on-exec; who asked closes it. */
  readonly fd: number;
}

export class DescriptorStore {
  /** The two sockets; a process that has them both has the store. */
  readonly inward: number;
  readonly outward: number;
  #marks = 0;

  constructor(inward: number, outward: number) {
    this.inward = inward;
    this.outward = outward;
  }

  /** @throws FsError */
  static create(queueBytes = QUEUE_BYTES): DescriptorStore {
    const pair = socketpair(SOCK_SEQPACKET);
    if (typeof pair === 'number') throw fsError(-pair, 'socketpair');
    const store = new DescriptorStore(...pair);
    const length = Buffer.alloc(4);
    length.writeInt32LE(queueBytes, 0);
    // Without privilege the queue is as long as net.core.wmem_max lets it be.
    for (const option of [SO_SNDBUF, SO_SNDBUFFORCE])
      settle(sysSetsockopt(store.inward, SOL_SOCKET, option, length, 4));
    return store;
  }

  /** Puts a copy of the descriptor in. @returns 0 or a negated errno: -EAGAIN when no more fit. */
  put(label: string, fd: number): number {
    return sendMessage(this.inward, { text: label, fd });
  }

  /**
   * Looks at all that is in it, oldest first; what is not kept is taken out.
   * @param keeps whether a label stays; of equal ones each is asked for.
   * @returns what stays, open in this process too.
   */
  sift(keeps: (label: string) => boolean): StoredDescriptor[] {
    const mark = `${MARK} ${process.pid} ${++this.#marks}`;
    const found = this.#begin(mark, keeps);
    for (;;) {
      const next = this.#receive(MSG_PEEK);
      if (next === undefined) return found;
      const stays = !next.label.startsWith(`${MARK} `) && keeps(next.label);
      const isAgain = stays && this.put(next.label, next.fd) >= 0;
      this.#drop();
      // The queue was full.
      if (stays && !isAgain) check(this.put(next.label, next.fd), 'sendmsg');
      if (next.label === mark) return found;
      if (stays) found.push(next);
      else if (next.fd >= 0) close(next.fd);
    }
  }

  /** Puts a mark at the end. @returns what had to be taken out for it and was put behind it, where the queue was full. */
  #begin(mark: string, keeps: (label: string) => boolean): StoredDescriptor[] {
    const result = this.put(mark, -1);
    if (result !== -EAGAIN) check(result, 'sendmsg');
    if (result >= 0) return [];
    const taken = [this.#receive(0), this.#receive(0)].filter((one) => one !== undefined);
    check(this.put(mark, -1), 'sendmsg');
    return taken.filter(({ label: name, fd }) => {
      const stays = !name.startsWith(`${MARK} `) && keeps(name) && this.put(name, fd) >= 0;
      if (!stays && fd >= 0) close(fd);
      return stays;
    });
  }

  /** The same, and closes what it has opened here. */
  retain(keeps: (label: string) => boolean): void {
    for (const { fd } of this.sift(keeps)) close(fd);
  }

  /** Takes all out. */
  empty(): void {
    while (this.#drop());
  }

  close(): void {
    close(this.inward);
    close(this.outward);
  }

  /** @returns whether there was one. */
  #drop(): boolean {
    const taken = this.#receive(0);
    if (taken !== undefined && taken.fd >= 0) close(taken.fd);
    return taken !== undefined;
  }

  #receive(flags: number): StoredDescriptor | undefined {
    const message = receiveMessage(this.outward, flags);
    if (message === -EAGAIN) return undefined;
    if (typeof message === 'number') throw fsError(-message, 'recvmsg');
    return { label: message.text, fd: message.fd };
  }
}
