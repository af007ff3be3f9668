/**
 * Names of layers that are not in memory, without letting others wait for a slow disk.
 *
 * The serving thread looks names up and lists directories itself until it has waited for the disk for as long as helpers take to start.
 * From then on, after a look that took longer than memory does, helpers bring in
 * each directory before it is listed for the first time, and each name that the kernel does not have (RESOLVE_CACHED), and the
 * request comes again: many who walk at once then wait for the disk together, and others not at all. After a number of
 * quick ones the thread looks by itself again. Where all is in memory this costs two looks at the clock.
 *
 * Remote layers have gates instead (realfs/disk/read-gate.ts): one that hangs would take all helpers.
 */

import { EAGAIN } from '../../errno/errno.js';
import { FsError } from '../../errno/fs-error.js';
import { O_NOFOLLOW, O_PATH, RESOLVE_CACHED } from '../../linux/constants.js';
import { close, dup, openat2 } from '../../linux/files/open.js';
import { ThreadReads } from '../../linux/process/thread-reads.js';
import type { DescriptorCache } from '../../realfs/descriptor-cache.js';
import { DiskPace } from '../../realfs/disk/disk-pace.js';
import type { Session } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { isJustRead, type Job, Wait } from '../../vfs/wait.js';
import type { RealDirectory } from './layer.js';

/**
 * A look that took longer was at a slow disk: one in memory takes some 5 us, one of flash 80, and the helpers some 0.1 s of CPU until they
 * have started. On a quick disk they cost more than they bring (docs/decisions/012-cold-names.md).
 */
const QUICK_MS = 1.5;
/** Slow looks are the thread's own until they have taken so long in all: where little is cold, helpers would come when it is read. */
const PATIENCE_MS = 100;
/** After so long without a slow look helpers have ended, and would have to start again (engine/jobs/job-runner.ts). */
const FORGOTTEN_MS = 5_000;
/** What each name of a listing takes beside. */
const NAME_MS = 0.02;
/** After so many looks in a directory for which nothing had to be read, its names are taken to be in memory. */
const QUICK_LOOKS = 4;
/** Further layers are read when they are needed. */
const MOST_LAYERS = 16;
/** Jobs that nobody waits for yet, at one time: who comes with another waits for one of them at most. */
const MOST_AHEAD = 4;

/** What is known of a directory's names. */
interface ListedDirectory {
  /** They were brought into memory. */
  isAhead: boolean;
}

export class LayerNames {
  readonly #cache: DescriptorCache;
  readonly #pace: DiskPace;
  readonly #reads = new ThreadReads();
  /** By slow looks, since the last pause of FORGOTTEN_MS. */
  #waitedMs = 0;
  #lastSlowMs = 0;
  /** The jobs that bring in the directory. */
  readonly #underway = new Map<ListedDirectory, readonly Job[]>();
  /** In which directories a request has waited for its name, by the job that it waited for last. */
  readonly #waitedIn = new WeakMap<Job, ReadonlySet<RealDirectory>>();

  constructor(cache: DescriptorCache, pace = new DiskPace(undefined, QUICK_MS)) {
    this.#cache = cache;
    this.#pace = pace;
  }

  /** Before a look at names that is to be timed. */
  begin(): number {
    return this.#pace.isQuick ? this.#pace.now() : -1;
  }

  /** After it. @param names how many were looked at. @param dirs where. */
  end(startedMs: number, names: number, dirs: readonly RealDirectory[]): void {
    if (startedMs < 0) return;
    const tookMs = this.#pace.now() - startedMs - names * NAME_MS;
    // A thread that has no CPU is slow, too, and then helpers would be slower.
    const isRead = tookMs > QUICK_MS && this.#reads.hasMore();
    this.#pace.took(isRead && this.#hasWaited(tookMs) ? tookMs : 0);
    if (isRead) for (const dir of dirs) dir.quickLooks = 0;
  }

  /** Notes a slow look. @returns whether the disk has been waited for as long as helpers would take to start. */
  #hasWaited(tookMs: number): boolean {
    const nowMs = this.#pace.now();
    if (nowMs - this.#lastSlowMs > FORGOTTEN_MS) this.#waitedMs = 0;
    this.#lastSlowMs = nowMs;
    this.#waitedMs += tookMs;
    return this.#waitedMs >= PATIENCE_MS;
  }

  /** Before a directory of these real ones is listed. @throws Wait while helpers bring it in. */
  awaitListing(session: Session | undefined, listed: ListedDirectory, dirs: readonly RealDirectory[]): void {
    if (session === undefined || listed.isAhead || this.#pace.isQuick || !mayWait(session)) return;
    const jobs = this.#underway.get(listed) ?? this.#bringIn(session, listed, dirs);
    const job = jobs.find(({ done }) => !done);
    if (job !== undefined) throw new Wait(job);
  }

  /** Whether directories are read before somebody asks for them. */
  get readsAhead(): boolean {
    return !this.#pace.isQuick;
  }

  /** A directory that somebody may list next. @returns false when there are more of them than are read. */
  bringAhead(session: Session, listed: ListedDirectory, dirs: readonly RealDirectory[]): boolean {
    if (listed.isAhead || this.#underway.has(listed)) return true;
    if (this.#underway.size >= MOST_AHEAD) return false;
    this.#bringIn(session, listed, dirs);
    return true;
  }

  #bringIn(session: Session, listed: ListedDirectory, dirs: readonly RealDirectory[]): readonly Job[] {
    const jobs: Job[] = [];
    let left = 0;
    for (const dir of dirs.slice(0, MOST_LAYERS)) {
      const job = dir.layer.gate === undefined ? this.#start(session, 'list', dir, '.') : undefined;
      if (job === undefined) continue;
      left++;
      jobs.push(job);
      job.onDone = () => {
        this.#note(job);
        if (--left > 0) return;
        listed.isAhead = true;
        this.#underway.delete(listed);
      };
    }
    if (jobs.length > 0) this.#underway.set(listed, jobs);
    return jobs;
  }

  /** Before a name of a directory that was not brought in is looked at. @throws Wait while a helper brings it in. */
  awaitName(session: Session, dir: RealDirectory, name: Name): void {
    if (this.#pace.isQuick || dir.layer.gate !== undefined || !mayWait(session)) return;
    // New names are in no memory, but where they would be is.
    if (dir.quickLooks >= QUICK_LOOKS) return;
    const { awaited } = session;
    const waitedIn = awaited && this.#waitedIn.get(awaited);
    // Memory may be short; and some file systems never say that they have a name.
    if (waitedIn?.has(dir) === true) return;
    if (this.#isInMemory(dir, name)) {
      this.#pace.took(0);
      return;
    }
    const job = this.#start(session, 'look', dir, name);
    if (job === undefined) return;
    job.onDone = () => {
      this.#note(job);
      dir.quickLooks = job.result === 0 ? dir.quickLooks + 1 : 0;
    };
    this.#waitedIn.set(job, new Set(waitedIn).add(dir));
    throw new Wait(job);
  }

  #isInMemory(dir: RealDirectory, name: Name): boolean {
    const fd = openat2(dir.descriptor(this.#cache), name, O_PATH | O_NOFOLLOW, 0, RESOLVE_CACHED);
    if (fd >= 0) close(fd);
    return fd !== -EAGAIN;
  }

  #start(session: Session, kind: 'list' | 'look', dir: RealDirectory, name: Name): Job | undefined {
    let dirfd: number;
    try {
      dirfd = dup(dir.descriptor(this.#cache));
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      // Who goes on without it is told.
      return undefined;
    }
    return dirfd < 0 ? undefined : session.startJob({ kind, dirfd, name, device: dir.layer.dev });
  }

  #note({ result }: Job): void {
    if (result < 0) return;
    const tookMs = result / 1000;
    this.#pace.took(tookMs);
    if (tookMs > QUICK_MS) this.#lastSlowMs = this.#pace.now();
  }
}

/** Whether the request has done nothing yet that it would have to do again. */
function mayWait({ awaited }: Session): boolean {
  return awaited === undefined || awaited.spec.kind === 'probe' || isJustRead(awaited);
}
