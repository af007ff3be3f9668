import { expect, test } from 'vitest';
import { ftruncate } from '../../../src/linux/files/inode.js';
import { DiskPace } from '../../../src/realfs/disk/disk-pace.js';
import type { Job } from '../../../src/vfs/wait.js';
import { newFile, tempDirectory } from '../linux/temp-directory.js';

const QUICK_MS = 0.5;
const SLOW_MS = 20;
/** As many quick ones as are wanted after the first slow one. */
const FIRST = 8;

function paceAfter(...times: number[]): DiskPace {
  const pace = new DiskPace();
  for (const ms of times) pace.took(ms);
  return pace;
}

const quick = (count: number): number[] => Array.from({ length: count }, () => QUICK_MS);

test('a sync is made here until one was slow, and again after several quick ones', () => {
  const fd = newFile(tempDirectory(), 'f');
  expect(paceAfter().allows(fd)).toBe(true);
  expect(paceAfter(SLOW_MS).allows(fd)).toBe(false);
  expect(paceAfter(SLOW_MS, ...quick(FIRST - 1)).allows(fd)).toBe(false);
  expect(paceAfter(SLOW_MS, ...quick(FIRST)).allows(fd)).toBe(true);
});

test('each slow one asks for twice as many quick ones, until very many came', () => {
  const fd = newFile(tempDirectory(), 'f');
  const pace = paceAfter(SLOW_MS, ...quick(FIRST), SLOW_MS, ...quick(2 * FIRST - 1));
  expect(pace.allows(fd)).toBe(false);
  pace.took(QUICK_MS);
  expect(pace.allows(fd)).toBe(true);
  for (const ms of [...quick(10_000), SLOW_MS, ...quick(2 * FIRST)]) pace.took(ms);
  expect(pace.allows(fd)).toBe(true);
});

test('a large file is left to a helper thread', () => {
  const fd = newFile(tempDirectory(), 'large');
  const pace = paceAfter();
  ftruncate(fd, 16 * 1024 * 1024);
  expect(pace.allows(fd)).toBe(true);
  expect(pace.sync(fd, 'data')).toBe(0);
  ftruncate(fd, 16 * 1024 * 1024 + 1);
  expect(pace.allows(fd)).toBe(false);
  expect(pace.allows(-1)).toBe(false);
});

test('the time of a sync counts from its start to the return of its request', () => {
  const fd = newFile(tempDirectory(), 'f');
  let ms = 0;
  const pace = new DiskPace(() => ms);
  const job: Job = { spec: { kind: 'fsync', fd, dataOnly: true }, done: true, result: 0 };
  pace.began(job);
  ms += SLOW_MS;
  pace.ended({ ...job });
  expect(pace.allows(fd)).toBe(true);
  pace.ended(job);
  expect(pace.allows(fd)).toBe(false);
  for (let count = 0; count < FIRST; count++) {
    expect(pace.allows(fd)).toBe(false);
    pace.began(job);
    ms += QUICK_MS;
    pace.ended(job);
    pace.ended({ ...job });
  }
  expect(pace.allows(fd)).toBe(true);
});
