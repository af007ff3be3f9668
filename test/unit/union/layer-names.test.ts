/** When names are left to helpers, and what then waits for them. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { AT_FDCWD, O_PATH } from '../../../src/linux/constants.js';
import { close, openat } from '../../../src/linux/files/open.js';
import { ThreadReads } from '../../../src/linux/process/thread-reads.js';
import { DescriptorCache } from '../../../src/realfs/descriptor-cache.js';
import { DiskPace } from '../../../src/realfs/disk/disk-pace.js';
import type { ReadGate } from '../../../src/realfs/disk/read-gate.js';
import { Layer, type RealDirectory } from '../../../src/union/stack/layer.js';
import { LayerNames } from '../../../src/union/stack/layer-names.js';
import type { Session } from '../../../src/vfs/file-system.js';
import { type Job, type JobSpec, Wait } from '../../../src/vfs/wait.js';
import { tempDirectory } from '../linux/temp-directory.js';

interface Started extends Job {
  done: boolean;
  result: number;
}

const [SLOW_US, QUICK_US] = [5_000, 5];
/** As many quick ones as are wanted after the first slow one. */
const FEWEST = 8;

class Served {
  awaited: Job | undefined;
  readonly jobs: Started[] = [];

  startJob(spec: JobSpec): Job {
    const job: Started = { spec, done: false, result: 0, onDone: undefined };
    this.jobs.push(job);
    onTestFinished(() => {
      if ('dirfd' in spec) close(spec.dirfd);
    });
    return job;
  }

  end(job: Started, result: number): void {
    job.done = true;
    job.result = result;
    job.onDone?.();
  }

  /** @returns the job that the call waits for. */
  waitsFor(call: (session: Session) => void): Job | undefined {
    try {
      call(this as unknown as Session);
      return undefined;
    } catch (error) {
      if (error instanceof Wait) return error.job;
      throw error;
    }
  }
}

let session: Served;
let pace: DiskPace;
let names: LayerNames;
beforeEach(() => {
  session = new Served();
  pace = new DiskPace(() => 0, 0.2);
  names = new LayerNames(new DescriptorCache(64), pace);
});

const GATE = { pass: () => undefined } as unknown as ReadGate;

function layerRoot(gate?: ReadGate): RealDirectory {
  const { path } = tempDirectory();
  mkdirSync(join(path, 'sub'));
  writeFileSync(join(path, 'known'), '');
  const layer = new Layer({
    ...{ index: 0, writable: false, path, rootFd: openat(AT_FDCWD, path, O_PATH), dev: 7, inodeBase: 0 },
    ...{ uuid: Buffer.alloc(16), hasHandles: true, gate, override: undefined },
  });
  onTestFinished(() => layer.close());
  return layer.root;
}

const directory = (): { isAhead: boolean } => ({ isAhead: false });

it('starts nothing while the disk is as quick as memory', () => {
  const [listed, root] = [directory(), layerRoot()];
  for (let request = 0; request < 3; request++) {
    names.end(names.begin(), 0, [root]);
    expect(session.waitsFor((one) => names.awaitListing(one, listed, [root]))).toBeUndefined();
    expect(session.waitsFor((one) => names.awaitName(one, root, 'never looked at'))).toBeUndefined();
  }
  expect(names.readsAhead).toBe(false);
  expect(session.jobs).toEqual([]);
});

it('a look that was at the disk and took long begins it, by the time that it took beside its names', () => {
  let nowMs = 0;
  pace = new DiskPace(() => nowMs, 0.2);
  names = new LayerNames(new DescriptorCache(64), pace);
  const listing = (ms: number, count: number, times = 100): void => {
    for (let i = 0; i < times; i++) {
      const startedMs = names.begin();
      nowMs += ms;
      names.end(startedMs, count, []);
    }
  };
  const hasMore = vi.spyOn(ThreadReads.prototype, 'hasMore').mockReturnValue(true);
  onTestFinished(() => hasMore.mockRestore());
  listing(2, 100);
  expect(names.readsAhead).toBe(false);
  // It had no CPU, or waited for a lock.
  hasMore.mockReturnValue(false);
  listing(20, 10);
  expect(names.readsAhead).toBe(false);
  hasMore.mockReturnValue(true);
  // Helpers cost some 0.1 s.
  listing(2.25, 10, 48);
  expect(names.readsAhead).toBe(false);
  listing(2.25, 10, 1);
  expect(names.readsAhead).toBe(true);
  for (let quick = 0; quick < FEWEST; quick++) pace.took(0);
  expect(names.readsAhead).toBe(false);
  // The helpers have not ended yet: one slow look is enough.
  nowMs += 4_000;
  listing(2.25, 10, 1);
  expect(names.readsAhead).toBe(true);
  for (let quick = 0; quick < 2 * FEWEST; quick++) pace.took(0);
  nowMs += 6_000;
  listing(2.25, 10, 48);
  expect(names.readsAhead).toBe(false);
  listing(2.25, 10, 1);
  expect(names.readsAhead).toBe(true);
});

it('a directory is brought in once, all its layers at a time, and all who list it wait', () => {
  pace.took(SLOW_US);
  const [listed, dirs] = [directory(), [layerRoot(), layerRoot()]];
  const list = () => session.waitsFor((one) => names.awaitListing(one, listed, dirs));
  expect([list(), list()]).toEqual([session.jobs[0], session.jobs[0]]);
  expect(session.jobs).toMatchObject(
    new Array(2).fill({ spec: { kind: 'list', name: '.', device: 7 } }) as object[],
  );
  session.end(session.jobs[0]!, SLOW_US);
  session.awaited = session.jobs[0];
  expect(list()).toBe(session.jobs[1]);
  session.end(session.jobs[1]!, -5);
  session.awaited = session.jobs[1];
  expect(list()).toBeUndefined();
  session.awaited = undefined;
  expect(list()).toBeUndefined();
  expect(session.jobs.length).toBe(2);
});

it('a name that is not in memory is brought in, and its request waits for it once in each layer', () => {
  pace.took(SLOW_US);
  const [upper, lower] = [layerRoot(), layerRoot()];
  const look = (dir: RealDirectory, name: string) =>
    session.waitsFor((one) => names.awaitName(one, dir, name));
  expect(look(upper, 'known')).toBeUndefined();
  expect(look(upper, 'never looked at')).toBe(session.jobs[0]);
  expect(session.jobs).toMatchObject([{ spec: { kind: 'look', name: 'never looked at', device: 7 } }]);
  session.end(session.jobs[0]!, SLOW_US);
  session.awaited = session.jobs[0];
  // Nobody has brought them in here: as with a file system that never says that it has a name.
  expect(look(upper, 'never looked at')).toBeUndefined();
  expect(look(lower, 'never looked at')).toBe(session.jobs[1]);
  session.end(session.jobs[1]!, SLOW_US);
  session.awaited = session.jobs[1];
  expect([look(upper, 'never looked at'), look(lower, 'never looked at')]).toEqual([undefined, undefined]);
});

it('asks helpers no more about a directory in which several names needed no reading', () => {
  pace.took(SLOW_US);
  const root = layerRoot();
  const look = (name: string) => session.waitsFor((one) => names.awaitName(one, root, name));
  const results = [0, 0, 0, SLOW_US, 0, 0, 0, 0];
  for (const [n, result] of results.entries()) {
    const job = look(`new ${n}`);
    expect(job).toBe(session.jobs[n]);
    session.end(session.jobs[n]!, result);
  }
  expect(look('new again')).toBeUndefined();
});

it('reads four directories ahead at most, and each once', () => {
  pace.took(SLOW_US);
  const [known, root] = [directory(), layerRoot()];
  const ahead = (listed: { isAhead: boolean }) =>
    names.bringAhead(session as unknown as Session, listed, [root]);
  expect([known, known, ...Array.from({ length: 4 }, directory)].map(ahead)).toEqual([
    ...[true, true, true, true, true],
    false,
  ]);
  expect(session.jobs.length).toBe(4);
  expect(session.waitsFor((one) => names.awaitListing(one, known, [root]))).toBe(session.jobs[0]);
  session.end(session.jobs[0]!, SLOW_US);
  expect([known.isAhead, ahead(known), session.jobs.length]).toEqual([true, true, 4]);
});

it('the thread looks by itself again after several quick ones', () => {
  pace.took(SLOW_US);
  const root = layerRoot();
  for (let count = 0; count < FEWEST; count++) {
    const listed = directory();
    const job = session.waitsFor((one) => names.awaitListing(one, listed, [root]));
    expect(job).toBe(session.jobs[count]);
    session.end(session.jobs[count]!, QUICK_US);
  }
  expect(session.waitsFor((one) => names.awaitListing(one, directory(), [root]))).toBeUndefined();
});

it('what has waited for work of its own is not stopped, what has waited for a gate is', () => {
  pace.took(SLOW_US);
  const root = layerRoot();
  const list = () => session.waitsFor((one) => names.awaitListing(one, directory(), [root]));
  const look = () => session.waitsFor((one) => names.awaitName(one, root, 'never looked at'));
  session.awaited = { spec: { kind: 'pause' }, done: true, result: 0 };
  expect([list(), look()]).toEqual([undefined, undefined]);
  session.awaited = { spec: { kind: 'probe', fd: -1, device: 1 }, done: true, result: 0 };
  expect([list(), look()]).toEqual([session.jobs[0], session.jobs[1]]);
});

it('leaves remote layers to their gates', () => {
  pace.took(SLOW_US);
  const remote = layerRoot(GATE);
  expect(session.waitsFor((one) => names.awaitListing(one, directory(), [remote]))).toBeUndefined();
  expect(session.waitsFor((one) => names.awaitName(one, remote, 'never looked at'))).toBeUndefined();
  expect(names.bringAhead(session as unknown as Session, directory(), [remote])).toBe(true);
  expect(session.jobs).toEqual([]);
});
