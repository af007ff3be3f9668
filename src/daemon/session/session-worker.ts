/**
 * A serving thread: builds file systems, waits for their descriptors, runs the loop that serves them all.
 *
 * Its event loop does not turn: messages are taken synchronously when the eventfd wakes it. The protocol of the messages
 * is in worker-messages.ts.
 */

import { readlinkSync } from 'node:fs';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { LoopBuffers } from '../../engine/kernel/loop-buffers.js';
import { type Failure, ServingLoop } from '../../engine/kernel/serving-loop.js';
import type { LoopEnd, SessionLoop } from '../../engine/kernel/session-loop.js';
import { adoptCode } from '../../engine/threads/kept-code.js';
import { check } from '../../errno/fs-error.js';
import { AT_FDCWD, O_RDWR } from '../../linux/constants.js';
import { openat } from '../../linux/files/open.js';
import {
  CAP_SYS_ADMIN,
  hasCapability,
  keepCapabilities,
  raiseFileLimit,
  unshareFs,
} from '../../linux/process/process.js';
import { CallerIds } from '../../realfs/caller-ids.js';
import { HeldDescriptors } from '../../realfs/held-descriptors.js';
import { wantedDescriptors } from '../messages/descriptor-shares.js';
import { MESSAGES, NOTHING_TO_SERVE, TASK_ID, TURN, WAKE_FD, WATCHED } from '../messages/thread-words.js';
import type { FromThread, ThreadStart, ToThread } from '../messages/worker-messages.js';
import { FirstPause } from './first-pause.js';
import { Rehearsal } from './rehearsal/rehearsal.js';
import { ServedSession, type ThreadParts } from './served-session.js';
import { type Wakefulness, wakefulnessOf } from './wakefulness.js';

const port = parentPort as MessagePort;
const { words, code } = workerData as ThreadStart;
if (code !== undefined) adoptCode(code);
const sessions = new Map<number, ServedSession>();
const wakefulness = new Map<string, Wakefulness>();
let isLeaving = false;

// Blocks until there is something to serve.
Atomics.wait(words, WAKE_FD, 0);
const wakeFd = Atomics.load(words, WAKE_FD);
if (wakeFd === NOTHING_TO_SERVE) process.exit();
Atomics.store(words, TASK_ID, Number(readlinkSync('/proc/thread-self').split('/').at(-1)));
const rehearsal = new Rehearsal(() => parts);
const firstPause = new FirstPause(rehearsal);
const turn = words.subarray(TURN, TURN + 1);
const watched = words.subarray(WATCHED, WATCHED + 1);
const serving = new ServingLoop({
  wakeFd,
  onWake: takeMessages,
  onEnd,
  beforeTurn,
  idleWork: firstPause,
  turn,
  watched,
});
const parts = threadParts();
serving.run();

function threadParts(): ThreadParts {
  const privileged = hasCapability(CAP_SYS_ADMIN);
  // A umask of this thread's own, and capabilities that a change of fsuid leaves alone: see realfs/caller-ids.ts.
  unshareFs();
  if (privileged) keepCapabilities();
  const fileLimit = raiseFileLimit(wantedDescriptors());
  return {
    privileged,
    fileLimit,
    wakeFd,
    nothing: check(openat(AT_FDCWD, '/dev/null', O_RDWR), 'open', '/dev/null'),
    callerIds: new CallerIds({ enabled: privileged }),
    held: new HeldDescriptors(fileLimit),
    buffers: new LoopBuffers(),
    serving,
    awake: (config) => {
      const kind = config.awake ?? 'default';
      const known = wakefulness.get(kind);
      if (known !== undefined) return known;
      const made = wakefulnessOf(config, (readFd) => post(0, { kind: 'burst', readFd }));
      wakefulness.set(kind, made);
      return made;
    },
  };
}

function post(session: number, message: FromThread['message']): void {
  port.postMessage({ session, message } satisfies FromThread);
}

/** What the last session's caller was allowed is not what this one's are. */
function beforeTurn(): void {
  parts.callerIds.restore();
}

/** @returns whether the loop is to end. */
function takeMessages(): boolean {
  for (let given = receive(); given !== undefined; given = receive()) {
    Atomics.add(words, MESSAGES, 1);
    const { session, message } = given;
    if (message.kind === 'leave') isLeaving = true;
    else if (message.kind === 'code') adoptCode(message.code);
    else if (message.kind === 'config') {
      guard(session, () => {
        const served = new ServedSession(message.config, parts, (reply) => post(session, reply));
        sessions.set(session, served);
        rehearsal.prepare(message.config);
        firstPause.add(served);
      });
    } else guard(session, () => sessions.get(session)?.receive(message));
  }
  for (const [session, one] of sessions) {
    guard(session, () => one.look());
    if (one.isOver) forget(session, one);
  }
  return isLeaving;
}

function receive(): ToThread | undefined {
  return receiveMessageOnPort(port)?.message as ToThread | undefined;
}

/** What one session throws is no other's business. */
function guard(session: number, act: () => void): void {
  try {
    act();
  } catch (error) {
    const one = sessions.get(session);
    if (one === undefined) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      post(session, { kind: 'ended', reason: 'crashed', crash: { message, ...(stack ? { stack } : {}) } });
      return;
    }
    if (one.loop !== undefined) serving.remove(one.loop);
    one.fail(error);
  }
}

function onEnd(loop: SessionLoop, end: LoopEnd | Failure): void {
  const found = [...sessions].find(([, one]) => one.loop === loop);
  if (found === undefined) return;
  const [session, one] = found;
  parts.callerIds.restore();
  if (typeof end === 'object') guard(session, () => one.fail(end.error));
  else {
    // The mount may be gone before the loop has looked at what it was told: a promise to the disk.
    takeMessages();
    guard(session, () => one.end(end));
  }
  if (one.isOver) forget(session, one);
}

function forget(session: number, one: ServedSession): void {
  sessions.delete(session);
  firstPause.delete(one);
}
