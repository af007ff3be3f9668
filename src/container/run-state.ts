/**
 * `containers/ID/state.json`: what became of the container's command. Absent: it was never started.
 *
 * It outlives the host; whether a process it names still runs is asked of /proc (pid and start time), so a state of
 * before a restart is not mistaken for a running one.
 */

import { isAlive, processStartTicks } from '../daemon/run-state.js';
import { readJson, writeJson } from '../store/atomic-file.js';
import type { Store } from '../store/store.js';
import type { AttachedMount } from './enter/order.js';
import type { SignalName } from './signal.js';

export interface CommandState {
  /** RFC 3339, UTC; of the last start of the command. */
  readonly startedAt: string;
  /** Absent while it runs, and when nobody saw the end. */
  readonly finishedAt?: string;
  /** Absent while it runs. */
  readonly exitCode?: number;
  /** The command's process, as the host numbers it. */
  readonly process?: ProcessIdentity;
  /** Who waits for its end. */
  readonly supervisor?: ProcessIdentity;
  /** What the kernel has mounted in its mount namespace, of the container's mounts. */
  readonly attached?: readonly AttachedMount[];
  /**
   * The signal that ends it, where the kernel would have dropped that and SIGKILL was sent in its place: the exit
   * status to record is that of this one.
   */
  readonly endedBy?: SignalName;
  /** It is being started again: `--rm` does not remove it now. */
  readonly restarts?: boolean;
  /** Why the command could not be started. */
  readonly error?: string;
}

export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

export function readState(store: Store, id: string): CommandState | undefined {
  return readJson(store.path('containers', id, 'state.json')) as CommandState | undefined;
}

/** PRECONDITION: the container is locked. */
export function writeState(store: Store, id: string, state: CommandState): void {
  writeJson(store.path('containers', id, 'state.json'), state, 0o600);
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTicks: processStartTicks(pid) ?? 0 };
}

export function isRunning(identity: ProcessIdentity | undefined): identity is ProcessIdentity {
  return identity !== undefined && isAlive(identity);
}
