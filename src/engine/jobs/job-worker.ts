/** A helper thread: takes jobs from the shared slots, one at a time, until told to stop, or until it had none for as long as it is to wait. */

import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { EIO } from '../../errno/errno.js';
import { eventfdWrite } from '../../linux/io/poll.js';
import { decodeSpec } from './job-records.js';
import {
  DONE,
  HELPERS_LEFT,
  JOB_DOORBELL,
  JOB_QUEUED,
  JOB_RUNNING,
  JOB_SLOT_COUNT,
  RESULT,
  STATE,
  STOP,
  slotAt,
} from './job-slots.js';
import { perform } from './job-work.js';

const { slots, wakeFd, idleMs } = workerData as {
  slots: SharedArrayBuffer;
  wakeFd: number;
  idleMs: number;
};
const words = new Int32Array(slots);

for (;;) {
  const bell = Atomics.load(words, JOB_DOORBELL);
  if (!runOne()) {
    if (Atomics.load(words, STOP) === 1) break;
    if (Atomics.wait(words, JOB_DOORBELL, bell, idleMs) === 'timed-out' && leaves()) break;
  }
}

/** Leaves, unless a job has come that counts on this thread: who queues one looks afterwards how many there are. */
function leaves(): boolean {
  Atomics.add(words, HELPERS_LEFT, 1);
  for (let index = 0; index < JOB_SLOT_COUNT; index++) {
    if (Atomics.load(words, slotAt(index) + STATE) !== JOB_QUEUED) continue;
    Atomics.sub(words, HELPERS_LEFT, 1);
    return false;
  }
  return true;
}

/** @returns whether there was a job. */
function runOne(): boolean {
  for (let index = 0; index < JOB_SLOT_COUNT; index++) {
    const slot = slotAt(index);
    if (Atomics.compareExchange(words, slot + STATE, JOB_QUEUED, JOB_RUNNING) !== JOB_QUEUED) continue;
    words[slot + RESULT] = runSafely(index);
    Atomics.store(words, slot + STATE, DONE);
    eventfdWrite(wakeFd);
    return true;
  }
  return false;
}

/** A helper that ended would leave its request waiting for ever. */
function runSafely(index: number): number {
  try {
    return perform(decodeSpec(words, index));
  } catch (error) {
    // By hand: what console prints leaves with the event loop, which never turns here.
    writeSync(2, `job failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return -EIO;
  }
}
