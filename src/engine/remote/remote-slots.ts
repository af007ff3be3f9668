/**
 * The memory that the session loop and the thread of a remote storage share: one word for each request that waits for the
 * storage, so that exactly one of the two answers it.
 *
 * The loop takes a FREE slot and makes it QUEUED. The thread makes it RUNNING, works, makes it ANSWERED, writes the reply
 * and makes it FREE. The loop gives a request up, to answer it itself, by making QUEUED or RUNNING into GIVEN_UP; the
 * thread then drops what it has and makes the slot FREE. Each step is a compare and exchange.
 * INVARIANT: only the side that made it ANSWERED or GIVEN_UP writes a reply; only the thread makes a used slot FREE.
 */

export const REMOTE_FREE = 0;
export const REMOTE_QUEUED = 1;
export const REMOTE_RUNNING = 2;
export const ANSWERED = 3;
export const GIVEN_UP = 4;

/** More than the kernel lets wait at one time, unless a thousand processes hang in one storage. */
export const REMOTE_SLOT_COUNT = 1024;

/** The thread sleeps on this word; the loop adds to it with each message. */
export const REMOTE_DOORBELL = 0;
/** The loop sleeps on this one when it has to wait for the thread, before it serves. */
export const ANSWER_BELL = 1;
const FIRST_SLOT = 8;

export function makeRemoteSlots(): Int32Array {
  return new Int32Array(new SharedArrayBuffer((FIRST_SLOT + REMOTE_SLOT_COUNT) * 4));
}

export function slotWord(slot: number): number {
  return FIRST_SLOT + slot;
}

export function ring(words: Int32Array, bell: number): void {
  Atomics.add(words, bell, 1);
  Atomics.notify(words, bell);
}
