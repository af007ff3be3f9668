/**
 * The memory that the session loop and its helper threads share: a table of jobs, sixteen 32-bit words each,
 * and a name for each.
 *
 * The loop fills a free slot and wakes a helper; the helper takes it (compare and exchange, so that one does), works,
 * leaves the result and writes the eventfd that the loop polls. No message passes an event loop: a job costs about two
 * thread wake-ups, not two turns of two event loops.
 */

/** Where the code of a helper begins. */
export const JOB_WORKER = new URL('./job-worker.js', import.meta.url);

const SLOT_WORDS = 16;
export const JOB_SLOT_COUNT = 64;
/** Words before the slots: the doorbell that helpers wait on, the stop flag, how many helpers could not start, how many have left. */
export const JOB_DOORBELL = 0;
export const STOP = 1;
export const HELPERS_FAILED = 2;
export const HELPERS_LEFT = 3;
const FIRST_SLOT = 8;

/** Offsets within a slot. */
export const STATE = 0;
export const KIND = 1;
export const SOURCE = 2;
export const TARGET = 3;
export const SIZE_LOW = 4;
export const SIZE_HIGH = 5;
export const OPTION = 6;
export const RESULT = 7;
export const NAME_LENGTH = 8;

export const JOB_FREE = 0;
export const JOB_QUEUED = 1;
export const JOB_RUNNING = 2;
export const DONE = 3;

/** Names behind the slots, as long as a name can be. */
export const NAME_BYTES = 256;

const NAMES_AT = (FIRST_SLOT + JOB_SLOT_COUNT * SLOT_WORDS) * 4;

export function makeSlots(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(NAMES_AT + JOB_SLOT_COUNT * NAME_BYTES));
}

export function slotAt(index: number): number {
  return FIRST_SLOT + index * SLOT_WORDS;
}

export function jobNameAt(words: Int32Array, index: number): Buffer {
  return Buffer.from(words.buffer as SharedArrayBuffer, NAMES_AT + index * NAME_BYTES, NAME_BYTES);
}
