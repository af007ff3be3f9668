/** Who answers a request that waits for remote storage: its thread or the loop, never both. */

import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ANSWERED,
  GIVEN_UP,
  makeRemoteSlots,
  REMOTE_FREE,
  REMOTE_QUEUED,
  REMOTE_RUNNING,
  REMOTE_SLOT_COUNT,
  slotWord,
} from '../../../src/engine/remote/remote-slots.js';
import { type Pending, RemoteStorage } from '../../../src/engine/remote/remote-storage.js';
import { FUSE_GETATTR } from '../../../src/fuse/abi/abi-opcodes.js';
import { decodeRequestHeader, RequestHeader, RequestView } from '../../../src/fuse/messages/request.js';
import { ROOT_NODE } from '../../../src/vfs/node-id.js';
import { wireRequest } from '../../helpers/wire-requests.js';

let words: Int32Array;
let storage: RemoteStorage;
let thread: MessagePort;
let ours: MessagePort;

beforeEach(() => {
  words = makeRemoteSlots();
  const { port1, port2 } = new MessageChannel();
  [ours, thread] = [port1, port2];
  storage = new RemoteStorage({ port: port1, words, log: () => undefined, onEvent: () => undefined });
});

afterEach(() => {
  ours.close();
  thread.close();
});

function forward(uniqueLow = 2): boolean {
  const bytes = wireRequest(FUSE_GETATTR, Buffer.alloc(16));
  const request = new RequestView(bytes);
  request.end = bytes.length;
  const header = new RequestHeader();
  decodeRequestHeader(request, header);
  const pending: Omit<Pending, 'slot'> = {
    uniqueLow,
    uniqueHigh: 0,
    opcode: FUSE_GETATTR,
    nodeId: ROOT_NODE,
    startedMs: 0,
    timeoutAtMs: Number.POSITIVE_INFINITY,
    root: undefined,
    taskId: 0,
    interruptedAtMs: Number.POSITIVE_INFINITY,
    checkAtMs: Number.POSITIVE_INFINITY,
  };
  return storage.forward(request, pending, header);
}

function move(slot: number, from: number, to: number): boolean {
  return Atomics.compareExchange(words, slotWord(slot), from, to) === from;
}

describe('a request that waits for remote storage', () => {
  it('reaches the thread whole, with its slot', () => {
    expect(forward()).toBe(true);
    const message = receiveMessageOnPort(thread)?.message;
    expect(message).toMatchObject({ kind: 'request', slot: 0 });
    expect(Buffer.from(message.bytes)).toEqual(wireRequest(FUSE_GETATTR, Buffer.alloc(16)));
    expect(storage.waiting()).toHaveLength(1);
  });

  it.each([
    ['before the thread has begun', REMOTE_QUEUED],
    ['while the thread is at it', REMOTE_RUNNING],
  ])('given up %s is the loop’s to answer', (_, state) => {
    forward();
    const [pending] = storage.waiting();
    if (state === REMOTE_RUNNING) expect(move(0, REMOTE_QUEUED, REMOTE_RUNNING)).toBe(true);
    expect(storage.giveUp(pending!)).toBe(true);
    expect(move(0, state, ANSWERED)).toBe(false);
    expect(storage.giveUp(pending!)).toBe(false);
    expect(storage.waiting()).toEqual([]);
  });

  it('that the thread answers cannot be given up any more', () => {
    forward();
    const [pending] = storage.waiting();
    move(0, REMOTE_QUEUED, REMOTE_RUNNING);
    move(0, REMOTE_RUNNING, ANSWERED);
    expect(storage.giveUp(pending!)).toBe(false);
    expect(storage.waiting()).toEqual([]);
  });

  it('keeps its slot until the thread has dropped it', () => {
    forward(2);
    storage.giveUp(storage.waiting()[0]!);
    for (let i = 1; i < REMOTE_SLOT_COUNT; i++) expect(forward(2 + i)).toBe(true);
    expect(forward(9999)).toBe(false);
    expect(Atomics.load(words, slotWord(0))).toBe(GIVEN_UP);
    Atomics.store(words, slotWord(0), REMOTE_FREE);
    expect(forward(9999)).toBe(true);
    expect(storage.waiting().at(-1)).toMatchObject({ slot: 0, uniqueLow: 9999 });
  });

  it('tells for how long the storage has not answered', () => {
    expect(storage.stalledMs(500)).toBe(0);
    forward();
    expect(storage.stalledMs(500)).toBe(500);
  });
});
