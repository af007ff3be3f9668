/** When a change waits for a probe of its file system, and when it does not. */

import { expect, it } from 'vitest';
import { AT_FDCWD, O_PATH } from '../../../src/linux/constants.js';
import { openat } from '../../../src/linux/files/open.js';
import { WriteGate } from '../../../src/realfs/disk/write-gate.js';
import type { Session } from '../../../src/vfs/file-system.js';
import { type Job, type JobSpec, Wait } from '../../../src/vfs/wait.js';
import { closing, tempDirectory } from '../linux/temp-directory.js';

interface Served {
  awaited: Job | undefined;
  readonly jobs: { spec: JobSpec; done: boolean; result: number; onDone?: (() => void) | undefined }[];
  startJob(spec: JobSpec): Job;
}

function served(): Served {
  const jobs: Served['jobs'] = [];
  const startJob = (spec: JobSpec): Job => {
    const job = { spec, done: false, result: 0 };
    jobs.push(job);
    return job;
  };
  return { awaited: undefined, jobs, startJob };
}

function waits(gate: WriteGate, session: Served): boolean {
  try {
    gate.pass(session as unknown as Session);
    return false;
  } catch (error) {
    if (error instanceof Wait) return true;
    throw error;
  }
}

it('a change after a pause waits for one probe with all others, and speaks for those that follow it closely', () => {
  const fd = closing(openat(AT_FDCWD, tempDirectory().path, O_PATH));
  let nowMs = 1000;
  const gate = new WriteGate(fd, () => nowMs);
  const session = served();
  expect(gate.isOpen).toBe(false);
  expect([waits(gate, session), waits(gate, session)]).toEqual([true, true]);
  expect(session.jobs).toMatchObject([{ spec: { kind: 'probe', fd } }]);
  session.jobs[0]!.done = true;
  session.awaited = session.jobs[0];
  expect(waits(gate, session)).toBe(false);
  session.awaited = undefined;
  for (let change = 0; change < 10; change++) {
    nowMs += 19;
    expect(gate.isOpen).toBe(true);
    expect(waits(gate, session)).toBe(false);
  }
  nowMs += 21;
  expect(waits(gate, session)).toBe(true);
  expect(session.jobs.length).toBe(2);
});

it('memory is never probed', () => {
  const gate = new WriteGate(closing(openat(AT_FDCWD, '/dev/shm', O_PATH)), () => 0);
  expect(gate.isOpen).toBe(true);
  expect(waits(gate, served())).toBe(false);
});

it('a change that nobody waits for is made when the file system takes changes', () => {
  const fd = closing(openat(AT_FDCWD, tempDirectory().path, O_PATH));
  let nowMs = 1000;
  const gate = new WriteGate(fd, () => nowMs);
  const session = served();
  const made: string[] = [];
  const change = (name: string): void => gate.whenOpen(session as unknown as Session, () => made.push(name));
  change('one');
  change('two');
  expect([made, session.jobs.length]).toEqual([[], 1]);
  session.jobs[0]!.done = true;
  session.jobs[0]!.onDone?.();
  expect(made).toEqual(['one', 'two']);
  session.awaited = session.jobs[0];
  expect(waits(gate, session)).toBe(false);
  nowMs += 0.5;
  change('three');
  expect(made).toEqual(['one', 'two', 'three']);
});
