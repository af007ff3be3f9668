/**
 * Runs long work in helper threads. Work that may wait for something else than the rest has a lane of its own, so that a
 * slow disk, a frozen file system or a large removal holds up nothing but what needs it.
 */

import { eventfdWrite } from '../../linux/io/poll.js';
import type { Job, JobSpec } from '../../vfs/wait.js';
import { JobLane } from './job-lane.js';

/** How long helpers stay that many names want at a time, and then nobody for long. */
const NAMES_IDLE_MS = 5_000;
/** The helpers that each use has; long copies have their own, so that no sync and no short copy waits for one. */
const LANES = {
  write: { helpers: 2 },
  copy: { helpers: 2 },
  read: { helpers: 2 },
  names: { helpers: 4, idleMs: NAMES_IDLE_MS },
  probe: { helpers: 1 },
  dispose: { helpers: 1 },
} as const;
/** A copy of more is long. */
const SHORT_COPY_BYTES = 1024 * 1024;

/** A lane of all sessions of a thread. */
interface SharedLane {
  readonly lane: JobLane;
  readonly users: Set<JobRunner>;
}

/** By eventfd and device: the helpers of many mounts that lie on one disk would wait for that together, and take memory each. */
const shared = new Map<string, SharedLane>();

export class JobRunner {
  readonly #wakeFd: number;
  readonly #lanes = new Map<string, JobLane>();
  #pauses: Pause[] = [];

  /** @param wakeFd eventfd that is written when a job is done. */
  constructor(wakeFd: number) {
    this.#wakeFd = wakeFd;
  }

  start(spec: JobSpec): Job {
    if (spec.kind !== 'pause') return this.#lane(spec).start(spec);
    const pause = new Pause();
    this.#pauses.push(pause);
    eventfdWrite(this.#wakeFd);
    return pause;
  }

  get busy(): boolean {
    return [...this.#lanes.values()].some((lane) => lane.busy);
  }

  /** Marks the jobs that are done. @returns whether one was. */
  collect(): boolean {
    let any = this.#pauses.length > 0;
    for (const pause of this.#pauses) pause.done = true;
    if (any) this.#pauses = [];
    for (const lane of this.#lanes.values()) if (lane.collect()) any = true;
    return any;
  }

  /** Lets the helpers end when what they are doing is done. */
  stop(): void {
    for (const [key, lane] of this.#lanes) {
      const users = shared.get(key)?.users;
      users?.delete(this);
      if (users !== undefined && users.size > 0) continue;
      if (users !== undefined) shared.delete(key);
      lane.stop();
    }
    // One that is stopped takes no more jobs: who asks again gets another.
    this.#lanes.clear();
  }

  #lane(spec: JobSpec): JobLane {
    const use = useOf(spec);
    const isShared = use === 'names' || spec.kind === 'probe';
    const of = isShared ? `${use} ${this.#wakeFd}` : spec.kind;
    const key = 'device' in spec ? `${of} ${spec.device}` : use;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = isShared ? this.#sharedLane(key, use) : new JobLane(this.#wakeFd, LANES[use]);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #sharedLane(key: string, use: keyof typeof LANES): JobLane {
    let found = shared.get(key);
    if (found === undefined) {
      found = { lane: new JobLane(this.#wakeFd, LANES[use]), users: new Set() };
      shared.set(key, found);
    }
    found.users.add(this);
    return found.lane;
  }
}

class Pause implements Job {
  readonly spec = { kind: 'pause' } as const;
  readonly result = 0;
  done = false;
}

function useOf(spec: JobSpec): keyof typeof LANES {
  const { kind } = spec;
  if (kind === 'copy') return spec.sizeBytes > SHORT_COPY_BYTES ? 'copy' : 'write';
  if (kind === 'reach') return 'probe';
  if (kind === 'list' || kind === 'look') return 'names';
  if (kind === 'read' || kind === 'probe') return kind;
  return kind === 'close' || kind === 'remove' ? 'dispose' : 'write';
}
