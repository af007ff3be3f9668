/** The watchdog over threads whose turns and CPU time the test makes up. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Keeper } from '../../../src/daemon/serve/keeper.js';
import { Watchdog } from '../../../src/daemon/serve/watchdog.js';

const TASK_ID = 4242;

interface FakeThread {
  turn: number;
  cpuTicks: number;
  rests: number;
  noteWork: () => void;
}

const thread = vi.hoisted((): FakeThread => ({ turn: 0, cpuTicks: 0, rests: 0, noteWork: () => undefined }));

vi.mock('../../../src/daemon/session/serving-threads.js', () => ({
  threadPulses: () => [{ taskId: TASK_ID, turn: thread.turn }],
  whenThreadsWork: (note: () => void) => {
    thread.noteWork = note;
  },
  restUntilWork: () => {
    thread.rests++;
  },
}));
vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const readFileSync = (path: string, encoding: 'latin1') =>
    path === `/proc/self/task/${TASK_ID}/stat`
      ? `${TASK_ID} (MainThread) R ${'0 '.repeat(10)}${thread.cpuTicks} 0 0`
      : real.readFileSync(path, encoding);
  return { ...real, readFileSync };
});

const lines: string[] = [];
const log = (line: string) => void lines.push(line);
const kill = vi.spyOn(process, 'kill');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  kill.mockReturnValue(true);
  Object.assign(thread, { turn: 0, cpuTicks: 0, rests: 0 });
  lines.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
  kill.mockReset();
});

/** Seconds go by, of which the thread computes so many in each. */
function pass(seconds: number, { computing = 0 } = {}): void {
  for (let second = 0; second < seconds; second++) {
    thread.cpuTicks += computing * 100;
    vi.advanceTimersByTime(1_000);
  }
}

it.each([
  { outlives: true, killed: [[process.pid, 'SIGKILL']] },
  { outlives: false, killed: [] },
])('a thread in a loop is told once; the process ends where its mounts outlive it: $outlives', ({
  outlives,
  killed,
}) => {
  new Watchdog({ keeper: undefined, outlives: () => outlives, log });
  thread.turn = 1;
  pass(28, { computing: 1 });
  expect([lines, kill.mock.calls]).toEqual([[], []]);
  pass(60, { computing: 1 });
  expect(lines).toEqual([
    expect.stringMatching(/^a serving thread makes no progress: it has used 3\d s for one request$/),
  ]);
  expect(kill.mock.calls).toEqual(killed);
});

it('a thread that waits in the kernel is told once, and no process ends', () => {
  new Watchdog({ keeper: undefined, outlives: () => true, log });
  thread.turn = 1;
  pass(90);
  expect(lines).toEqual(['a serving thread waits in the kernel: storage of a mount does not answer']);
  expect(kill).not.toHaveBeenCalled();
});

it('long work in many turns is no loop', () => {
  new Watchdog({ keeper: undefined, outlives: () => true, log });
  for (let second = 0; second < 90; second++) {
    thread.turn = 2 * second + 1;
    pass(1, { computing: 1 });
  }
  expect(lines).toEqual([]);
});

it('while nothing is asked nobody looks, until a thread has something to do', () => {
  new Watchdog({ keeper: undefined, outlives: () => true, log });
  pass(10);
  expect([thread.rests, vi.getTimerCount()]).toEqual([1, 0]);
  thread.turn = 1;
  thread.noteWork();
  expect(vi.getTimerCount()).toBe(1);
  pass(60, { computing: 1 });
  expect(kill).toHaveBeenCalledOnce();
});

it('the keeper stands by while much is asked, and a minute longer', () => {
  const keeper = {
    standsBy: false,
    standBy: () => {
      keeper.standsBy = true;
    },
    rest: () => {
      keeper.standsBy = false;
    },
  };
  new Watchdog({ keeper: keeper as unknown as Keeper, outlives: () => true, log });
  pass(4);
  expect(keeper.standsBy).toBe(false);
  thread.noteWork();
  for (let looks = 1; looks <= 5; looks++) {
    expect(keeper.standsBy).toBe(false);
    thread.turn += 2_000;
    pass(2);
  }
  expect(keeper.standsBy).toBe(true);
  pass(58);
  expect(keeper.standsBy).toBe(true);
  pass(4);
  expect([keeper.standsBy, vi.getTimerCount()]).toEqual([false, 0]);
});
