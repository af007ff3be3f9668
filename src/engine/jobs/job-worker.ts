/** A helper thread: takes jobs from the shared slots, one at a time, until told to stop. */

import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { EIO } from '../../errno/errno.js';
import { copyData } from '../../files/copy-data.js';
import { fdatasync, fsync, preadPrefix } from '../../linux/data.js';
import { close } from '../../linux/open.js';
import { eventfdWrite } from '../../linux/poll.js';
import {
  DONE,
  DOORBELL,
  KIND,
  KIND_COPY,
  KIND_READ,
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

/** As much as a request asks for. */
const LARGEST_READ_BYTES = 1024 * 1024;
let pages: Buffer | undefined;

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
    words[slot + RESULT] = runSafely(slot);
    Atomics.store(words, slot + STATE, DONE);
    eventfdWrite(wakeFd);
    return true;
  }
  return false;
}

/** A helper that ended would leave its request waiting for ever. */
function runSafely(slot: number): number {
  try {
    return run(slot);
  } catch (error) {
    // By hand: what console prints leaves with the event loop, which never turns here.
    writeSync(2, `job failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return -EIO;
  }
}

function run(slot: number): number {
  const source = words[slot + SOURCE]!;
  const option = words[slot + OPTION] === 1;
  const sizeBytes = (words[slot + SIZE_LOW]! >>> 0) + words[slot + SIZE_HIGH]! * 2 ** 32;
  if (words[slot + KIND] === KIND_COPY) {
    const target = words[slot + TARGET]!;
    const copied = copyData(source, target, sizeBytes);
    return copied < 0 || !option ? copied : fdatasync(target);
  }
  if (words[slot + KIND] === KIND_READ) {
    const result = bringIn(source, sizeBytes, words[slot + OPTION]!);
    close(source);
    return result;
  }
  const result = option ? fdatasync(source) : fsync(source);
  close(source);
  return result;
}

/** What fails here fails again in the request, which answers it. */
function bringIn(fd: number, offset: number, length: number): number {
  pages ??= Buffer.allocUnsafe(LARGEST_READ_BYTES);
  return preadPrefix(fd, pages, length, offset);
}
