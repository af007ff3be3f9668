/**
 * Work too long for the session loop.
 *
 * A FileSystem method that needs such work starts a Job and throws `Wait`; the engine parks the request and dispatches
 * it again from the start when the job is done, so a method does nothing irrevocable before it waits. The jobs are a
 * fixed set of plain syscall work: a helper thread executes them and knows nothing of file systems.
 */

/** The descriptors of a copy stay open until it is done; that of a read or an fsync is the job's own, which closes it. */
export type JobSpec =
  | {
      readonly kind: 'copy';
      readonly source: number;
      readonly target: number;
      readonly sizeBytes: number;
      /** Wait for the disk before the job counts as done. */
      readonly durable: boolean;
    }
  /** Brings pages of the file into the page cache. */
  | { readonly kind: 'read'; readonly fd: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'fsync'; readonly fd: number; readonly dataOnly: boolean };

export interface Job {
  readonly spec: JobSpec;
  readonly done: boolean;
  /** 0, or the negated errno of the step that failed; meaningful once `done`. */
  readonly result: number;
}

/** Thrown by a FileSystem method: dispatch the request again when `job` is done. Not an Error: nothing went wrong. */
export class Wait {
  readonly job: Job;
  constructor(job: Job) {
    this.job = job;
  }
}
