/**
 * Work too long for the session loop.
 *
 * A FileSystem method that needs such work starts a Job and throws `Wait`; the engine parks the request and dispatches
 * it again from the start when the job is done, so a method does nothing irrevocable before it waits. The jobs are a
 * fixed set of plain syscall work: a helper thread executes them and knows nothing of file systems.
 */

import type { Name } from './name.js';

/** Descriptors stay the caller's, open until the job is done, where it does not say that they are the job's own, which closes them. */
export type JobSpec =
  | {
      readonly kind: 'copy';
      readonly source: number;
      readonly target: number;
      readonly sizeBytes: number;
      /** Wait for the disk before the job counts as done. */
      readonly durable: boolean;
    }
  /** Brings pages of the file into the page cache. The descriptor is the job's own. */
  | { readonly kind: 'read'; readonly fd: number; readonly offset: number; readonly length: number }
  /** The descriptor is the job's own. */
  | { readonly kind: 'fsync'; readonly fd: number; readonly dataOnly: boolean }
  /** Writes the whole file system to its disk. The descriptor is the job's own. */
  | { readonly kind: 'syncfs'; readonly fd: number }
  /** Cuts a file to a size. The descriptor, open for writing, is the job's own. */
  | { readonly kind: 'truncate'; readonly fd: number; readonly sizeBytes: number }
  /** Is done when the file system of the descriptor, on this device, takes changes. */
  | { readonly kind: 'probe'; readonly fd: number; readonly device: number }
  /** Is done when the file system of the descriptor, on this device, has answered. */
  | { readonly kind: 'reach'; readonly fd: number; readonly device: number }
  /** Closes a descriptor that may be the last of a file without a name. It is the job's own. */
  | { readonly kind: 'close'; readonly fd: number }
  /** Removes a name from a directory, with all that is in it. The descriptor of the directory is the job's own. */
  | { readonly kind: 'remove'; readonly dirfd: number; readonly name: Name }
  /**
   * Brings a directory on this device into memory: its names, and the attributes of what they name; or one name of it. The descriptor is the
   * job's own. The result is how many microseconds the slowest call took, 0 where nothing had to be read.
   */
  | {
      readonly kind: 'list' | 'look';
      readonly dirfd: number;
      readonly name: Name;
      readonly device: number;
    }
  /** Nothing: lets others have their turn before the request goes on. */
  | { readonly kind: 'pause' };

export interface Job {
  readonly spec: JobSpec;
  readonly done: boolean;
  /** 0, or the negated errno of the step that failed; meaningful once `done`. */
  readonly result: number;
  /** Set by who started it, and did not find it done: called by the thread that answers requests, between two of them. */
  onDone?: (() => void) | undefined;
  /** Set by who started it: called when the request that waits for it is given up. */
  onGivenUp?: (() => void) | undefined;
}

/** Whether the job changes nothing, and who waited for it has done nothing else before. */
export function isJustRead({ spec: { kind } }: Job): boolean {
  return kind === 'reach' || kind === 'list' || kind === 'look';
}

/** Thrown by a FileSystem method: dispatch the request again when `job` is done. Not an Error: nothing went wrong. */
export class Wait {
  readonly job: Job;
  constructor(job: Job) {
    this.job = job;
  }
}
