/** Jobs as the session loop has them done: by the helper threads themselves. */

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { JobRunner } from '../../../src/engine/jobs/job-runner.js';
import { AT_FDCWD, O_CREAT, O_RDONLY, O_RDWR, POLLIN } from '../../../src/linux/constants.js';
import { openat } from '../../../src/linux/open.js';
import { eventfd, PollSet, poll } from '../../../src/linux/poll.js';
import type { Job } from '../../../src/vfs/wait.js';
import { distPath } from '../../helpers/paths.js';
import { closing, ok, tempDirectory } from '../linux/temp-directory.js';

const LIMIT_MS = 10_000;
/** Compiled: its helper threads start from files beside it. */
const compiled = (await import(distPath('src/engine/jobs/job-runner.js'))) as { JobRunner: typeof JobRunner };

function finish(runner: JobRunner, wakeFd: number, jobs: readonly Job[]): void {
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
