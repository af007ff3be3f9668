/** What a daemon that serves several mounts says of itself, and of a mount that it was asked for. */

import type { RunState } from '../run-directory/run-state.js';

/** A mount that stands. */
export interface SharedMount extends RunState {
  /** The daemon's descriptor of a mount that has no place, as long as the connection lasts on which it was asked for. */
  readonly detachedFd?: number;
}

interface DaemonMountReport {
  readonly id: string;
  /** Text. */
  readonly mountpoint: string;
  /** Why the mount ends when the process dies; absent where another takes it over. */
  readonly endsBecause?: string | undefined;
}

interface RunningProgram {
  /** The version of plyfs. */
  readonly version: string;
  /** The form of what it leaves to the next one: a number that grows with each change. */
  readonly form: number;
  readonly path: string;
}

export interface SharedDaemonReport {
  readonly pid: number;
  /** The process that becomes the next daemon; absent where there is none, or nothing to take over. */
  readonly keeperPid?: number | undefined;
  /** RFC 3339, UTC. */
  readonly since: string;
  /** What it runs; absent of one that is older than this. */
  readonly program?: RunningProgram;
  /** From one that died. */
  readonly tookOver: boolean;
  readonly mounts: readonly DaemonMountReport[];
}
