import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EIO } from '../../../src/errno/errno.js';
import { AT_FDCWD } from '../../../src/linux/constants.js';
import { close, openat } from '../../../src/linux/files/open.js';
import { HeldDescriptors } from '../../../src/realfs/held-descriptors.js';
import { type OpenFile, OpenFiles } from '../../../src/realfs/open-files.js';
import { Opened } from '../../../src/vfs/attr.js';
import type { Session } from '../../../src/vfs/file-system.js';
import { type Job, type JobSpec, Wait } from '../../../src/vfs/wait.js';
import { tempDirectory } from '../linux/temp-directory.js';

/** Too large for the serving thread, so that each sync is a job. */
const SIZE = 17 * 1024 * 1024;
const ACCESS = { reads: true, writes: true, appendOnly: false };

/** A file with opens whose syncs end as the test says. */
class Bench {
  readonly #session: { passthrough: boolean; caller: undefined; awaited: Job | undefined; startJob: unknown };
  readonly #file = {
    name: 'file',
    openCount: 0,
    writers: 0,
    backingId: 0,
    readFd: -1,
    writeFd: -1,
    hasCapability: false,
  } as unknown as OpenFile;
  readonly #files: OpenFiles<OpenFile>;

  constructor() {
    const path = `${tempDirectory().path}/file`;
    writeFileSync(path, Buffer.alloc(SIZE));
    this.#files = new OpenFiles<OpenFile>(
      {
        open: (_file, flags) => openat(AT_FDCWD, path, flags),
        openMetadata: () => -1,
        hasCapability: () => false,
        killPrivileges: () => undefined,
        diskOf: () => -1,
        follows: () => false,
        opensLate: false,
        reopens: true,
      },
      0,
      new HeldDescriptors(1024),
    );
    const startJob = (spec: JobSpec): Job => ({ spec, done: false, result: 0 });
    this.#session = { passthrough: false, caller: undefined, awaited: undefined, startJob };
    this.#files.session = this.#session as unknown as Session;
  }

  open(): number {
    const out = new Opened();
    this.#files.open(this.#file, ACCESS, out);
    return out.handle;
  }

  release(handle: number): void {
    this.#files.release(this.#file, handle);
  }

  /** Begins an fsync. @returns what ends it: gives what the caller is told. */
  begin(handle: number): (result: number) => string {
    let job: Job | undefined;
    try {
      this.#files.fsync(this.#file, { dataOnly: false, handle });
    } catch (error) {
      if (!(error instanceof Wait)) throw error;
      job = error.job;
    }
    if (job?.spec.kind === 'fsync') close(job.spec.fd);
    return (result) => {
      this.#session.awaited = { spec: job!.spec, done: true, result };
      try {
        this.#files.fsync(this.#file, { dataOnly: false, handle });
        return 'ok';
      } catch (error) {
        return (error as Error).message;
      } finally {
        this.#session.awaited = undefined;
      }
    };
  }

  fsync(handle: number, result = 0): string {
    return this.begin(handle)(result);
  }
}

const FAILED = "fsync 'file': input/output error";

test('each of two syncs at one time learns of an error that the disk told one of them', () => {
  const bench = new Bench();
  const [one, two] = [bench.open(), bench.open()];
  const [first, second] = [bench.begin(one), bench.begin(two)];
  expect(first(-EIO)).toBe(FAILED);
  expect(second(0)).toBe(FAILED);
  expect([bench.fsync(one), bench.fsync(two)]).toEqual(['ok', 'ok']);
  bench.release(one);
  bench.release(two);
});

test('an error that both were told is told each of them once', () => {
  const bench = new Bench();
  const [one, two] = [bench.open(), bench.open()];
  const [first, second] = [bench.begin(one), bench.begin(two)];
  expect([second(-EIO), first(-EIO)]).toEqual([FAILED, FAILED]);
  expect([bench.fsync(one), bench.fsync(two)]).toEqual(['ok', 'ok']);
  bench.release(one);
  bench.release(two);
});

test('every open file that was there learns of it at its next sync, a later one does not', () => {
  const bench = new Bench();
  const [one, two] = [bench.open(), bench.open()];
  expect(bench.fsync(one, -EIO)).toBe(FAILED);
  const late = bench.open();
  expect([bench.fsync(late), bench.fsync(two), bench.fsync(two)]).toEqual(['ok', FAILED, 'ok']);
  expect([bench.fsync(one, -EIO), bench.fsync(late)]).toEqual([FAILED, FAILED]);
  for (const open of [one, two, late]) bench.release(open);
});
