/** The engine's side of the seam: the caller, jobs that are done before anybody waits for them, backing files. */

import { closeSync, openSync } from 'node:fs';
import { perform } from '../../../src/engine/jobs/job-work.js';
import { O_ACCMODE, O_PATH } from '../../../src/linux/constants.js';
import { Caller } from '../../../src/vfs/caller.js';
import type { Session } from '../../../src/vfs/file-system.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import type { Job, JobSpec } from '../../../src/vfs/wait.js';

interface QueuedJob extends Job {
  done: boolean;
  result: number;
}

interface SessionEvents {
  readonly invalidate: (node: NodeId) => void;
  readonly prune: (nodes: readonly NodeId[]) => void;
}

export class InProcessSession implements Session {
  readonly passthrough: boolean;
  replaying = false;
  awaited: Job | undefined;
  readonly caller = new Caller();
  readonly storeRoom = undefined;
  readonly #events: SessionEvents;
  readonly #queue: QueuedJob[] = [];
  /** O_PATH descriptors by backing id. */
  readonly #backings = new Map<number, number>();
  #lastBacking = 0;

  constructor(passthrough: boolean, events: SessionEvents) {
    this.passthrough = passthrough;
    this.#events = events;
  }

  openBacking(fd: number): number {
    this.#backings.set(++this.#lastBacking, openSync(`/proc/self/fd/${fd}`, O_PATH));
    return this.#lastBacking;
  }

  closeBacking(backingId: number): void {
    const fd = this.#backings.get(backingId);
    if (fd === undefined) throw new Error(`there is no backing file ${backingId}`);
    closeSync(fd);
    this.#backings.delete(backingId);
  }

  /** Opens the backing file as the kernel does for one open. @returns a descriptor that the caller closes. */
  openBackingFile(backingId: number, flags: number): number {
    const fd = this.#backings.get(backingId);
    if (fd === undefined) throw new Error(`there is no backing file ${backingId}`);
    return openSync(`/proc/self/fd/${fd}`, flags & O_ACCMODE);
  }

  invalidateAttributes(node: NodeId): void {
    this.#events.invalidate(node);
  }

  invalidateListing(): void {
    // This kernel keeps no listings.
  }

  pruneNodes(nodes: readonly NodeId[]): boolean {
    this.#events.prune(nodes);
    return true;
  }

  storeData(): boolean {
    return false;
  }

  startJob(spec: JobSpec): Job {
    const job: QueuedJob = { spec, done: false, result: 0 };
    this.#queue.push(job);
    return job;
  }

  /** Does all jobs that were started. */
  settle(): void {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      job.result = perform(job.spec);
      job.done = true;
      job.onDone?.();
    }
  }

  /** What the file system did not close. */
  get backings(): number {
    return this.#backings.size;
  }
}
