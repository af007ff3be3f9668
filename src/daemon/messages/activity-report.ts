/** What a session tells of what it does: failed operations, slow requests, changes of upper. Strings are text. */

/** An operation that failed through no mistake of its caller's; equal ones are counted. */
export interface FailedOperation {
  /** When the last one came. */
  readonly timeMs: number;
  /** As FUSE calls it: `CREATE`, `WRITE` ... */
  readonly operation: string;
  /** `EROFS`, `ENOSPC` ... */
  readonly error: string;
  /** Within the mount, with a leading slash. */
  readonly path: string;
  readonly cause: string;
  readonly pid: number;
  readonly process: string;
  /** How many so far. */
  readonly count: number;
}

export interface SlowRequest {
  readonly timeMs: number;
  readonly operation: string;
  readonly path: string;
  readonly tookMs: number;
  readonly pid: number;
  readonly process: string;
}

export interface UpperChange {
  readonly timeMs: number;
  readonly kind: 'copy-up' | 'whiteout';
  readonly path: string;
  readonly pid: number;
  readonly process: string;
}

/** Requests that wait for remote storage now. */
export interface WaitingStorage {
  readonly target: string;
  /** File system type. */
  readonly storage: string;
  readonly requests: number;
  readonly oldestMs: number;
}

/** Latest first. */
export interface RecentActivity {
  readonly failures: readonly FailedOperation[];
  /** What waited long for a job, and while somebody looks all that take long. */
  readonly slow: readonly SlowRequest[];
  readonly changes: readonly UpperChange[];
  /** What storage is full, with the limit that was reached. */
  readonly full: readonly string[];
}

/** The reply to `stats`. */
export interface SessionStats {
  /** Since the mount began, by the kernel's names of operations. */
  readonly requests: Readonly<Record<string, number>>;
  /** By error. */
  readonly failed: Readonly<Record<string, number>>;
  /** Files and directories of the union that the kernel knows. */
  readonly nodes: number;
  readonly waiting: readonly WaitingStorage[];
  /** Where it was asked for. */
  readonly recent?: RecentActivity;
}
