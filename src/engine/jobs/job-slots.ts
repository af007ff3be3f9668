/**
 * The memory that the session loop and its helper threads share: a table of jobs, eight 32-bit words each.
 *
 * The loop fills a free slot and wakes a helper; the helper takes it (compare and exchange, so that one does), works,
 * leaves the result and writes the eventfd that the loop polls. No message passes an event loop: a job costs about two
 * thread wake-ups, not two turns of two event loops.
 */

export const SLOT_WORDS = 8;
export const SLOT_COUNT = 64;
/** Words before the slots: the doorbell that helpers wait on, and the stop flag. */
export const DOORBELL = 0;
export const STOP = 1;
export const FIRST_SLOT = 8;

/** Offsets within a slot. */
export const STATE = 0;
export const KIND = 1;
export const SOURCE = 2;
export const TARGET = 3;
export const SIZE_LOW = 4;
export const SIZE_HIGH = 5;
export const OPTION = 6;
export const RESULT = 7;

export const FREE = 0;
export const QUEUED = 1;
export const RUNNING = 2;
export const DONE = 3;

export const KIND_COPY = 1;
export const KIND_FSYNC = 2;
/** SIZE is the offset, OPTION the length. */
export const KIND_READ = 3;

export function makeSlots(): Int32Array {
  return new Int32Array(new SharedArrayBuffer((FIRST_SLOT + SLOT_COUNT * SLOT_WORDS) * 4));
}

export function slotAt(index: number): number {
  return FIRST_SLOT + index * SLOT_WORDS;
}
