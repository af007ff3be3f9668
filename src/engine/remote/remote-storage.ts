/**
 * The session loop's end of a remote storage: hands requests to its thread, and gives those up that wait too long.
 *
 * INVARIANT: a request in `#pending` has a slot that this storage made QUEUED; it leaves the list when the thread has
 * answered it or when it was given up, and is then answered here.
 */

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { EIO, ETIMEDOUT } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import type { RequestHeader, RequestView } from '../../fuse/messages/request.js';
import type { Attr } from '../../vfs/attr.js';
import type { NodeId } from '../../vfs/node-id.js';
import {
  ANSWER_BELL,
  GIVEN_UP,
  REMOTE_DOORBELL,
  REMOTE_FREE,
  REMOTE_QUEUED,
  REMOTE_RUNNING,
  REMOTE_SLOT_COUNT,
  ring,
  slotWord,
} from './remote-slots.js';
import {
  type FromRemote,
  NO_SLOT,
  type RemoteAnswer,
  type RemoteCall,
  type ToRemote,
} from './request-messages.js';

/** A storage that leaves a request without an answer for so long counts as one that hangs, until it answers. */
export const STALL_MS = 250;

export interface Pending {
  readonly slot: number;
  readonly uniqueLow: number;
  readonly uniqueHigh: number;
  readonly opcode: number;
  readonly nodeId: NodeId;
  readonly startedMs: number;
  /** When to answer EIO; Infinity: never. */
  readonly timeoutAtMs: number;
  /** The root of a mount that may be answered from what is known of it; undefined for all else. */
  readonly root: NodeId | undefined;
  /** The caller's thread. */
  readonly taskId: number;
  /** When the caller got a signal first; Infinity: it got none. */
  interruptedAtMs: number;
  /** When to look whether the caller is about to end; Infinity: never. */
  checkAtMs: number;
}

interface RemoteStorageOptions {
  readonly port: MessagePort;
  readonly words: Int32Array;
  readonly log: (line: string) => void;
  readonly onEvent: (event: unknown) => void;
}

export class RemoteStorage {
  readonly #port: MessagePort;
  readonly #words: Int32Array;
  readonly #options: RemoteStorageOptions;
  readonly #roots = new Map<NodeId, Attr>();
  readonly #answers = new Map<number, RemoteAnswer>();
  #pending: Pending[] = [];
  #nextSlot = 0;
  #nextCall = 1;
  #isStopped = false;

  constructor(options: RemoteStorageOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#words = options.words;
  }

  /** The thread has ended, or is about to. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  send(message: ToRemote): void {
    const transfer = message.kind === 'request' ? [message.bytes.buffer as ArrayBuffer] : [];
    this.#port.postMessage(message, transfer);
    ring(this.#words, REMOTE_DOORBELL);
  }

  /** Passes a request on that is answered already. */
  forwardAnswered(request: RequestView, header: RequestHeader): void {
    this.send({ kind: 'request', slot: NO_SLOT, bytes: copyOf(request, header) });
  }

  /** Passes a request on that the thread is to answer. @returns false when too many wait. */
  forward(request: RequestView, pending: Omit<Pending, 'slot'>, header: RequestHeader): boolean {
    const slot = this.#takeSlot();
    if (slot === undefined) return false;
    this.#pending.push({ ...pending, slot });
    this.send({ kind: 'request', slot, bytes: copyOf(request, header) });
    return true;
  }

  /** Those that wait, oldest first. */
  waiting(): readonly Pending[] {
    if (this.#pending.length > 0) this.#pending = this.#pending.filter((one) => this.#isOpen(one));
    return this.#pending;
  }

  /** For how long the oldest has been waiting; 0 when none is. */
  stalledMs(nowMs: number): number {
    const oldest = this.waiting()[0];
    return oldest === undefined ? 0 : nowMs - oldest.startedMs;
  }

  /** Takes a request back from the thread. @returns whether the caller has to answer it. */
  giveUp({ slot }: Pending): boolean {
    const word = slotWord(slot);
    if (Atomics.compareExchange(this.#words, word, REMOTE_QUEUED, GIVEN_UP) === REMOTE_QUEUED) return true;
    return Atomics.compareExchange(this.#words, word, REMOTE_RUNNING, GIVEN_UP) === REMOTE_RUNNING;
  }

  /** What is known of the root of a mount. */
  rootAttr(node: NodeId): Attr | undefined {
    return this.#roots.get(node);
  }

  setRootAttr(node: NodeId, attr: Attr): void {
    this.#roots.set(node, attr);
  }

  /** Takes the messages of the thread. */
  drain(): void {
    for (let message = this.#receive(); message !== undefined; message = this.#receive()) {
      if (message.kind === 'answer') this.#answers.set(message.id, message.answer);
      else if (message.kind === 'log') this.#options.log(message.line);
      else if (message.kind === 'root') this.#roots.set(message.node, message.attr);
      else if (message.kind === 'event') this.#options.onEvent(message.event);
      else this.#isStopped = true;
    }
  }

  /**
   * Asks the thread and waits.
   * @throws FsError: what the storage says, or ETIMEDOUT when it says nothing in time.
   */
  call(call: RemoteCall, limitMs: number): RemoteAnswer {
    const id = this.#nextCall++;
    this.send({ kind: 'call', id, call });
    this.waitUntil(() => this.#answers.has(id), limitMs);
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (answer === undefined) throw fsError(ETIMEDOUT, call.name);
    if ('errno' in answer) throw fsError(answer.errno === 0 ? EIO : answer.errno, call.name);
    return answer;
  }

  /** Blocks until the thread has said what makes `condition` true. @returns whether it did in time. */
  waitUntil(condition: () => boolean, limitMs: number): boolean {
    const end = performance.now() + limitMs;
    for (;;) {
      const bell = Atomics.load(this.#words, ANSWER_BELL);
      this.drain();
      if (condition()) return true;
      const left = end - performance.now();
      if (left <= 0) return false;
      Atomics.wait(this.#words, ANSWER_BELL, bell, left);
    }
  }

  /** Ends the thread: nothing of it is written any more. @returns false when it hangs, and has to be left behind. */
  stop(limitMs: number): boolean {
    this.send({ kind: 'stop' });
    for (const one of this.waiting()) this.giveUp(one);
    return this.waitUntil(() => this.#isStopped, limitMs);
  }

  #isOpen({ slot }: Pending): boolean {
    const state = Atomics.load(this.#words, slotWord(slot));
    return state === REMOTE_QUEUED || state === REMOTE_RUNNING;
  }

  #takeSlot(): number | undefined {
    for (let i = 0; i < REMOTE_SLOT_COUNT; i++) {
      const slot = (this.#nextSlot + i) % REMOTE_SLOT_COUNT;
      if (Atomics.compareExchange(this.#words, slotWord(slot), REMOTE_FREE, REMOTE_QUEUED) !== REMOTE_FREE)
        continue;
      this.#nextSlot = (slot + 1) % REMOTE_SLOT_COUNT;
      // A slot that an answered request of ours had is ours no more.
      this.#pending = this.#pending.filter((one) => one.slot !== slot);
      return slot;
    }
    return undefined;
  }

  #receive(): FromRemote | undefined {
    return receiveMessageOnPort(this.#port)?.message as FromRemote | undefined;
  }
}

/** Memory of its own, since it goes to another thread. */
function copyOf(request: RequestView, header: RequestHeader): Uint8Array {
  return new Uint8Array(request.bytes.subarray(0, header.len));
}
