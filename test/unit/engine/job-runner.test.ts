/** Jobs as the session loop has them done: by the helper threads themselves. */

import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import type { JobLane } from '../../../src/engine/jobs/job-lane.js';
import type { JobRunner } from '../../../src/engine/jobs/job-runner.js';
import { AT_FDCWD, O_CREAT, O_RDONLY, O_RDWR, POLLIN } from '../../../src/linux/constants.js';
import { dup, openat } from '../../../src/linux/files/open.js';
import { eventfd, PollSet, poll } from '../../../src/linux/io/poll.js';
import type { Job, JobSpec } from '../../../src/vfs/wait.js';
import { distPath } from '../../helpers/project-paths.js';
import { closing, ok, tempDirectory } from '../linux/temp-directory.js';

const LIMIT_MS = 10_000;
/** Compiled: its helper threads start from files beside it. */
const compiled = (await import(distPath('src/engine/jobs/job-runner.js'))) as { JobRunner: typeof JobRunner };
const lanes = (await import(distPath('src/engine/jobs/job-lane.js'))) as { JobLane: typeof JobLane };

function finish(runner: Pick<JobRunner, 'collect'>, wakeFd: number, jobs: readonly Job[]): void {
  const set = new PollSet([wakeFd]);
  const endMs = Date.now() + LIMIT_MS;
  while (jobs.some((job) => !job.done) && Date.now() < endMs) {
    if (poll(set, 100) > 0 && (set.revents(0) & POLLIN) !== 0) runner.collect();
  }
  expect(jobs.map((job) => job.done)).toEqual(jobs.map(() => true));
}

it('reads, copies and syncs, several at once, and tells what failed', () => {
  const { path } = tempDirectory();
  writeFileSync(`${path}/source`, Buffer.alloc(3_000_000, 'x'));
  const wakeFd = closing(eventfd(0, 0));
  const runner = new compiled.JobRunner(wakeFd);
  const source = closing(openat(AT_FDCWD, `${path}/source`, O_RDONLY));
  const target = closing(openat(AT_FDCWD, `${path}/target`, O_RDWR | O_CREAT, 0o600));
  const own = (): number => ok(openat(AT_FDCWD, `${path}/source`, O_RDONLY));
  const jobs = [
    runner.start({ kind: 'read', fd: own(), offset: 0, length: 1024 * 1024 }),
    runner.start({ kind: 'copy', source, target, sizeBytes: 3_000_000, durable: true }),
    runner.start({ kind: 'fsync', fd: own(), dataOnly: true }),
    runner.start({ kind: 'read', fd: own(), offset: 2_900_000, length: 1024 * 1024 }),
    runner.start({ kind: 'read', fd: closing(eventfd(0, 0)) + 1000, offset: 0, length: 10 }),
  ];
  finish(runner, wakeFd, jobs);
  expect(jobs.map((job) => job.result)).toEqual([1024 * 1024, 0, 0, 100_000, -9]);
  expect(readFileSync(`${path}/target`).equals(readFileSync(`${path}/source`))).toBe(true);
  runner.stop();
});

it('truncates, probes, closes, removes and pauses', () => {
  const { path } = tempDirectory();
  writeFileSync(`${path}/file`, 'content');
  mkdirSync(`${path}/tree/deep/er`, { recursive: true });
  writeFileSync(`${path}/tree/deep/file`, '');
  const wakeFd = closing(eventfd(0, 0));
  const runner = new compiled.JobRunner(wakeFd);
  const directory = closing(openat(AT_FDCWD, path, O_RDONLY));
  const closed = ok(openat(AT_FDCWD, path, O_RDONLY));
  const jobs = [
    runner.start({ kind: 'truncate', fd: ok(openat(AT_FDCWD, `${path}/file`, O_RDWR)), sizeBytes: 4 }),
    runner.start({ kind: 'probe', fd: directory, device: 1 }),
    runner.start({ kind: 'close', fd: closed }),
    runner.start({ kind: 'remove', dirfd: ok(dup(directory)), name: 'tree' }),
    runner.start({ kind: 'pause' }),
  ];
  expect(jobs.some((job) => job.done)).toBe(false);
  finish(runner, wakeFd, jobs);
  expect(jobs.map((job) => job.result)).toEqual([0, 0, 0, 0, 0]);
  expect(readFileSync(`${path}/file`, 'utf8')).toBe('cont');
  expect(readdirSync(path)).toEqual(['file']);
  runner.stop();
});

function lookAt(path: string, name: string): JobSpec {
  return { kind: 'look', dirfd: ok(openat(AT_FDCWD, path, O_RDONLY)), name, device: 1 };
}

it('looks at names and lists, and has closed what it was given', () => {
  const { path } = tempDirectory();
  mkdirSync(`${path}/tree`);
  const wakeFd = closing(eventfd(0, 0));
  const runner = new compiled.JobRunner(wakeFd);
  const before = descriptorsOf(path);
  const specs = [lookAt(path, 'tree'), lookAt(path, 'absent'), { ...lookAt(path, 'tree'), kind: 'list' }];
  const jobs = (specs as JobSpec[]).map((spec) => runner.start(spec));
  finish(runner, wakeFd, jobs);
  expect(jobs.every(({ result }) => result >= 0)).toBe(true);
  runner.stop();
  expect(descriptorsOf(path)).toBe(before);
});

it.each<['look' | 'probe']>([
  ['look'],
  ['probe'],
])('the sessions of a thread share the helpers of one device: %s', (kind) => {
  const { path } = tempDirectory();
  const directory = closing(openat(AT_FDCWD, path, O_RDONLY));
  const spec = (name: string): JobSpec =>
    kind === 'look' ? lookAt(path, name) : { kind, fd: directory, device: 1 };
  const wakeFd = closing(eventfd(0, 0));
  const [one, other] = [new compiled.JobRunner(wakeFd), new compiled.JobRunner(wakeFd)];
  const start = vi.spyOn(lanes.JobLane.prototype, 'start');
  const jobs = [one, other].map((runner) => runner.start(spec('a')));
  const used = start.mock.contexts;
  expect([used.length, new Set(used).size]).toEqual([2, 1]);
  finish(other, wakeFd, jobs);
  one.stop();
  const later = other.start(spec('b'));
  finish(other, wakeFd, [later]);
  other.stop();
  const afresh = one.start(spec('c'));
  finish(one, wakeFd, [afresh]);
  one.stop();
  start.mockRestore();
});

it('a helper that had nothing to do for long has ended, and another comes when there is work', async () => {
  const { path } = tempDirectory();
  const wakeFd = closing(eventfd(0, 0));
  const lane = new lanes.JobLane(wakeFd, { helpers: 1, idleMs: 20 });
  for (const name of ['a', 'b', 'c']) {
    const before = new Set(readdirSync('/proc/self/task'));
    const job = lane.start(lookAt(path, name));
    finish(lane, wakeFd, [job]);
    const helpers = readdirSync('/proc/self/task').filter((task) => !before.has(task));
    const endMs = Date.now() + LIMIT_MS;
    while (readdirSync('/proc/self/task').some((task) => helpers.includes(task)) && Date.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readdirSync('/proc/self/task').filter((task) => helpers.includes(task))).toEqual([]);
  }
  lane.stop();
});

/** How many this process has open. */
function descriptorsOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      // It was the descriptor of the listing itself.
      return false;
    }
  }).length;
}
