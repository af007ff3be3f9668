/** Which callers of requests that wait are looked at, and when. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LOOK_MS, ParkedRequests } from '../../../src/engine/kernel/parked-requests.js';
import { decodeHeader, RequestHeader, RequestView } from '../../../src/fuse/request.js';
import type { Fate } from '../../../src/linux/caller-fate.js';
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

function park(unique: bigint, pid: number, of = job()): void {
  const bytes = wireRequest(5, Buffer.alloc(0), { unique, pid });
  const request = new RequestView(bytes);
  request.end = bytes.length;
  const header = new RequestHeader();
  decodeHeader(request, header);
  parked.park(of, request, header);
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
    expect(parked.dueMs).toBe(LOOK_MS);
    nowMs += LOOK_MS - 1;
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
    parked.parkAgain(ready!, job());
    fate = 'ending';
    expect(parked.takeEnding()).toMatchObject([{ uniqueLow: 2 }]);
  });

  it('that cannot be seen get the outcome', () => {
    fate = 'unknown';
    park(2n, 0);
    parked.interrupt(2, 0);
    expect(parked.takeEnding()).toEqual([]);
  });
});
