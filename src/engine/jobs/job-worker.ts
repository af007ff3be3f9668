/** A helper thread: takes jobs from the shared slots, one at a time, until told to stop. */

import { workerData } from 'node:worker_threads';
import { copyData } from '../../files/copy-data.js';
import { fdatasync, fsync } from '../../linux/data.js';
import { close } from '../../linux/open.js';
import { eventfdWrite } from '../../linux/poll.js';
import {
  DONE,
  DOORBELL,
  KIND,
  KIND_COPY,
  OPTION,
  QUEUED,
  RESULT,
  RUNNING,
  SIZE_HIGH,
  SIZE_LOW,
  SLOT_COUNT,
  SOURCE,
  STATE,
  STOP,
  slotAt,
  TARGET,
} from './job-slots.js';

const { slots, wakeFd } = workerData as { slots: SharedArrayBuffer; wakeFd: number };
const words = new Int32Array(slots);

for (;;) {
  const bell = Atomics.load(words, DOORBELL);
  if (!runOne()) {
    if (Atomics.load(words, STOP) === 1) break;
    Atomics.wait(words, DOORBELL, bell);
  }
}

/** @returns whether there was a job. */
function runOne(): boolean {
  for (let index = 0; index < SLOT_COUNT; index++) {
    const slot = slotAt(index);
    if (Atomics.compareExchange(words, slot + STATE, QUEUED, RUNNING) !== QUEUED) continue;
    words[slot + RESULT] = run(slot);
    Atomics.store(words, slot + STATE, DONE);
    eventfdWrite(wakeFd);
    return true;
  }
  return false;
}

function run(slot: number): number {
  const source = words[slot + SOURCE]!;
  const option = words[slot + OPTION] === 1;
  if (words[slot + KIND] === KIND_COPY) {
    const target = words[slot + TARGET]!;
    const sizeBytes = (words[slot + SIZE_LOW]! >>> 0) + words[slot + SIZE_HIGH]! * 2 ** 32;
    const copied = copyData(source, target, sizeBytes);
    return copied < 0 || !option ? copied : fdatasync(target);
  }
  const result = option ? fdatasync(source) : fsync(source);
  close(source);
  return result;
}
