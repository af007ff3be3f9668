/** When a request waits for a remote file system to answer, and when it does not. */

import { expect, it } from 'vitest';
import { AT_FDCWD, O_PATH } from '../../../src/linux/constants.js';
import { openat } from '../../../src/linux/files/open.js';
import { ReadGate, readGateOf } from '../../../src/realfs/disk/read-gate.js';
import type { Session } from '../../../src/vfs/file-system.js';
import { type Job, type JobSpec, Wait } from '../../../src/vfs/wait.js';
import { closing, tempDirectory } from '../linux/temp-directory.js';

interface Started extends Job {
  done: boolean;
}

class Served {
  awaited: Job | undefined;
  readonly jobs: Started[] = [];
  nowMs = 1000;

  startJob(spec: JobSpec): Job {
    const job: Started = { spec, done: false, result: 0, onDone: undefined };
    this.jobs.push(job);
    return job;
  }

  end(job: Started, tookMs: number): void {
    this.nowMs += tookMs;
    job.done = true;
    job.onDone?.();
  }

  waits(gate: ReadGate): boolean {
    try {
      gate.pass(this as unknown as Session);
      return false;
    } catch (error) {
      if (error instanceof Wait) return true;
      throw error;
    }
  }
}

function gateOf(session: Served, device: number): ReadGate {
  return new ReadGate(-1, device, () => session.nowMs);
}

it('after a pause a request waits with all others for one answer, which speaks for those that follow closely', () => {
  const session = new Served();
  const gate = gateOf(session, 7);
  expect([session.waits(gate), session.waits(gate)]).toEqual([true, true]);
  expect(session.jobs).toMatchObject([{ spec: { kind: 'reach', device: 7 } }]);
  session.end(session.jobs[0]!, 1);
  session.awaited = session.jobs[0];
  expect(session.waits(gate)).toBe(false);
  session.awaited = undefined;
  for (let request = 0; request < 10; request++) {
    session.nowMs += 19;
    expect(session.waits(gate)).toBe(false);
  }
  session.nowMs += 21;
  expect(session.waits(gate)).toBe(true);
  expect(session.jobs.length).toBe(2);
});

it('a request that needs several slow file systems gets on', () => {
  const session = new Served();
  const gates = [gateOf(session, 1), gateOf(session, 2), gateOf(session, 3)];
  let rounds = 0;
  while (gates.some((gate) => session.waits(gate))) {
    expect(++rounds).toBeLessThan(10);
    session.awaited = session.jobs.at(-1);
    session.end(session.jobs.at(-1)!, 150);
  }
  expect(rounds).toBe(3);
});

it('what has waited for work of its own is not stopped, what has waited for another gate is', () => {
  const session = new Served();
  const gate = gateOf(session, 1);
  session.awaited = { spec: { kind: 'pause' }, done: true, result: 0 };
  expect(session.waits(gate)).toBe(false);
  session.nowMs += 1000;
  session.awaited = { spec: { kind: 'probe', fd: -1, device: 1 }, done: true, result: 0 };
  expect(session.waits(gate)).toBe(true);
});

it('a local file system has none', () => {
  expect(readGateOf(closing(openat(AT_FDCWD, tempDirectory().path, O_PATH)))).toBeUndefined();
  expect(readGateOf(-1)).toBeUndefined();
});
