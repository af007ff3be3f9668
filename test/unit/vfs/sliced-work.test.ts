/** Work in slices: when it waits, for what, and who shares it. */

import { beforeEach, expect, it } from 'vitest';
import type { Session } from '../../../src/vfs/file-system.js';
import { SlicedWork, type Subject } from '../../../src/vfs/sliced-work.js';
import { type Job, type JobSpec, Wait } from '../../../src/vfs/wait.js';

let nowMs: number;
let jobs: { readonly spec: JobSpec; done: boolean; result: number; onGivenUp?: (() => void) | undefined }[];
let work: SlicedWork<string>;
let begun: number;
let closed: number;

beforeEach(() => {
  nowMs = 0;
  jobs = [];
  begun = 0;
  closed = 0;
  work = new SlicedWork(() => nowMs);
});

function* steps(result: string, count: number): Generator<undefined, string> {
  begun++;
  try {
    for (let step = 0; step < count; step++) {
      nowMs += 1;
      yield;
    }
    return result;
  } finally {
    closed++;
  }
}

/** @returns the result, or the job that the request waits for. */
function run(
  subject: Subject,
  result: string,
  options: { count?: number; awaited?: Job } = {},
): string | Job {
  const startJob = (spec: JobSpec): Job => {
    const job = { spec, done: false, result: 0 };
    jobs.push(job);
    return job;
  };
  const session = { awaited: options.awaited, startJob } as unknown as Session;
  try {
    return work.run(session, subject, () => steps(result, options.count ?? 5));
  } catch (error) {
    if (error instanceof Wait) return error.job;
    throw error;
  }
}

/** Replays until there is a result. */
function goOn(subject: Subject, job: string | Job): string {
  let at = job;
  while (typeof at !== 'string') at = run(subject, 'not begun anew', { awaited: at });
  return at;
}

const subject = (): { takesLong: boolean; epoch: number } => ({ takesLong: false, epoch: 0 });

it('is done at once when it fits into a slice, and goes on after each pause when it does not', () => {
  const small = subject();
  expect(run(small, 'small', { count: 1 })).toBe('small');
  expect([small.takesLong, jobs.length]).toEqual([false, 0]);
  const large = subject();
  const first = run(large, 'large');
  expect(large.takesLong).toBe(true);
  expect(goOn(large, first)).toBe('large');
  expect([begun, closed, jobs.length]).toEqual([2, 2, 2]);
});

it('is shared by who comes while it is made, unless something changed', () => {
  const directory = subject();
  const first = run(directory, 'first');
  const same = run(directory, 'same') as Job;
  directory.epoch++;
  const later = run(directory, 'later');
  expect(begun).toBe(2);
  expect(goOn(directory, first)).toBe('first');
  expect(same.done).toBe(true);
  directory.epoch--;
  expect(run(directory, 'not begun', { awaited: same })).toBe('first');
  directory.epoch++;
  expect(goOn(directory, later)).toBe('later');
});

it('waits for its turn when much is under way, and small work never does', () => {
  const under = [subject(), subject()];
  const first = under.map((one, index) => run(one, String(index)));
  const third = { ...subject(), takesLong: true };
  const turn = run(third, 'third') as Job;
  expect([begun, turn.done]).toEqual([2, false]);
  expect(run(subject(), 'small', { count: 1 })).toBe('small');
  expect(goOn(under[0]!, first[0]!)).toBe('0');
  expect(turn.done).toBe(true);
  expect(goOn(third, run(third, 'third', { awaited: turn }))).toBe('third');
});

it('given up, leaves nothing open, and makes room', () => {
  const directory = subject();
  const first = run(directory, 'first') as Job;
  const same = run(directory, 'same') as Job;
  first.onGivenUp?.();
  expect([closed, same.done]).toEqual([1, true]);
  expect(goOn(directory, run(directory, 'same', { awaited: same }))).toBe('same');
});
