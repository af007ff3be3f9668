import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AT_FDCWD, O_RDONLY } from '../../../src/linux/constants.js';
import { close, openat } from '../../../src/linux/files/open.js';
import { DiskPace } from '../../../src/realfs/disk/disk-pace.js';
import { LayerReads } from '../../../src/realfs/layer-reads.js';
import type { Session } from '../../../src/vfs/file-system.js';
import { type JobSpec, Wait } from '../../../src/vfs/wait.js';
import { closing, tempDirectory } from '../linux/temp-directory.js';

const SIZE = 300_000;
const SLOW_MS = 20;

interface Started {
  readonly session: Session;
  readonly jobs: JobSpec[];
}

function sessionThat(replaying: boolean): Started {
  const jobs: JobSpec[] = [];
  const startJob = (spec: JobSpec) => {
    jobs.push(spec);
    return { spec, done: false, result: 0 };
  };
  return { session: { replaying, startJob } as unknown as Session, jobs };
}

function slowPace(): DiskPace {
  const pace = new DiskPace();
  pace.took(SLOW_MS);
  return pace;
}

/** On disk, and not in the page cache: on a tmpfs it stays there. */
function coldFile(): string {
  const path = `${tempDirectory().path}/cold`;
  writeFileSync(path, Buffer.alloc(SIZE, 'x'));
  execFileSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none']);
  return path;
}

test('a read ends with the file, wherever that ends', () => {
  const fd = closing(openat(AT_FDCWD, coldFile(), O_RDONLY));
  const reads = new LayerReads();
  const { session } = sessionThat(false);
  const into = Buffer.alloc(1 << 20);
  expect(reads.read(session, fd, 0, into)).toBe(SIZE);
  expect(reads.read(session, fd, SIZE - 5, into)).toBe(5);
  expect(reads.read(session, fd, SIZE, into)).toBe(0);
  expect(reads.read(session, fd, 4096, into.subarray(0, 100))).toBe(100);
});

test('after a slow read what is cached is read here, and the rest brought in by a job before the request comes again', () => {
  const fd = closing(openat(AT_FDCWD, coldFile(), O_RDONLY));

  const reads = new LayerReads(slowPace());
  const first = sessionThat(false);
  const into = Buffer.alloc(131_072);
  let waited: unknown;
  try {
    expect(reads.read(first.session, fd, 0, into)).toBe(into.length);
  } catch (error) {
    waited = error;
  }
  // On a file system without a disk nothing has to be waited for.
  if (waited !== undefined) {
    expect(waited).toBeInstanceOf(Wait);
    expect(first.jobs).toEqual([{ kind: 'read', fd: expect.any(Number), offset: 0, length: into.length }]);
    const [job] = first.jobs;
    if (job?.kind === 'read') close(job.fd);
  }
  expect(reads.read(sessionThat(true).session, fd, 0, into)).toBe(into.length);
  expect(into.every((byte) => byte === 0x78)).toBe(true);
  const warm = sessionThat(false);
  expect(reads.read(warm.session, fd, 0, into)).toBe(into.length);
  expect(warm.jobs).toEqual([]);
});
