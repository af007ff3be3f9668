/** Which callers of requests that wait are looked at, and when. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CHECK_MS, ParkedRequests } from '../../../src/engine/kernel/parked-requests.js';
import { decodeRequestHeader, RequestHeader, RequestView } from '../../../src/fuse/messages/request.js';
import type { Fate } from '../../../src/linux/process/caller-fate.js';
import type { Job } from '../../../src/vfs/wait.js';
import { wireRequest } from '../../helpers/wire-requests.js';

const job = (done = false): Job => ({
  spec: { kind: 'fsync', fd: -1, dataOnly: false },
  done,
  result: 0,
});

let nowMs: number;
let fate: Fate;
let looks: number[];
let parked: ParkedRequests;

beforeEach(() => {
  nowMs = 1000;
  fate = 'staying';
  looks = [];
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  parked = new ParkedRequests((taskId) => {
    looks.push(taskId);
    return fate;
  });
});
afterEach(() => vi.restoreAllMocks());

function received(unique: bigint, pid: number, size = 0): [RequestView, RequestHeader] {
  const bytes = wireRequest(5, Buffer.alloc(size), { unique, pid });
  const request = new RequestView(bytes);
  request.end = bytes.length;
  const header = new RequestHeader();
  decodeRequestHeader(request, header);
  return [request, header];
}

function park(unique: bigint, pid: number, of = job(), size = 0): void {
  parked.park(of, ...received(unique, pid, size));
}

function again(unique: bigint, size: number): unknown {
  return parked.takeResent(...received(unique | (1n << 63n), 7, size));
}

describe('callers of parked requests', () => {
  it('are never looked at while no request is interrupted', () => {
    park(2n, 7);
    parked.interrupt(4, 0);
    expect(parked.dueMs).toBe(-1);
    expect(parked.takeEnding()).toEqual([]);
    expect(looks).toEqual([]);
  });

  it('are looked at at once when interrupted, then at intervals, until they are about to end', () => {
    park(2n, 7);
    park(4n, 8);
    parked.interrupt(2, 0);
    expect(parked.dueMs).toBe(0);
    expect(parked.takeEnding()).toEqual([]);
    expect(parked.dueMs).toBe(CHECK_MS);
    nowMs += CHECK_MS - 1;
    expect(parked.takeEnding()).toEqual([]);
    expect(looks).toEqual([7]);
    nowMs += 1;
    fate = 'ending';
    expect(parked.takeEnding()).toMatchObject([{ taskId: 7, uniqueLow: 2 }]);
    expect(looks).toEqual([7, 7]);
    expect(parked.dueMs).toBe(-1);
  });

  it('stay interrupted when their request has to wait for one job more', () => {
    park(2n, 7, job(true));
    parked.interrupt(2, 0);
    const [ready] = parked.takeReady();
    expect(parked.dueMs).toBe(-1);
    parked.parkAgain(ready!, job(), new RequestView(Buffer.alloc(40)));
    fate = 'ending';
    expect(parked.takeEnding()).toMatchObject([{ uniqueLow: 2 }]);
  });

  it('that come again are taken up some at a time, the rest when they come once more', () => {
    parked.mayLeave = true;
    const size = 256 * 1024;
    const of = job(true);
    for (let unique = 2n; unique <= 200n; unique += 2n) park(unique, 7, of, size);
    expect(parked.takeReady().length).toBe(31);
    for (const taken of [64, 5]) {
      expect(parked.needsResend).toBe(true);
      parked.beginResend();
      let count = 0;
      for (let unique = 2n; unique <= 200n; unique += 2n)
        if (typeof again(unique, size) === 'object') count++;
      expect(count).toBe(taken);
      parked.endResend();
    }
    expect(parked.needsResend).toBe(false);
  });

  it('that cannot be seen get the outcome', () => {
    fate = 'unknown';
    park(2n, 0);
    parked.interrupt(2, 0);
    expect(parked.takeEnding()).toEqual([]);
  });

  it('are taken up and looked at some at a time when there are many', () => {
    for (let taskId = 1; taskId <= 200; taskId++) {
      park(BigInt(taskId) * 2n, taskId, job(taskId > 100));
      parked.interrupt(taskId * 2, 0);
    }
    const ready = [parked.takeReady(), parked.takeReady(), parked.takeReady()];
    expect(ready.map(({ length }) => length)).toEqual([64, 36, 0]);
    expect(ready[0]![0]).toMatchObject({ taskId: 101 });
    parked.takeEnding();
    expect(looks.length).toBe(64);
    expect(parked.dueMs).toBeLessThan(50);
    nowMs += parked.dueMs;
    fate = 'ending';
    expect(parked.takeEnding().length).toBe(36);
    expect(new Set(looks).size).toBe(100);
  });
});
