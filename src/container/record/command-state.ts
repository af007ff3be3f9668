/**
 * `containers/ID/state.json`: what became of the container's command. Absent: nobody has tried to start it.
 *
 * It outlives the host; whether a process it names still runs is asked of /proc (pid and start time), so a state of
 * before a restart is not mistaken for a running one.
 */

import { isAlive, processStartTicks } from '../../daemon/run-directory/run-state.js';
import { readReplacedJson, replaceJson, writeJson } from '../../store/atomic-file.js';
import { containerHome } from '../../store/container-home.js';
import type { StoreView } from '../../store/store-view.js';
import type { AttachedMount } from '../enter/enter-request.js';
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
  /** The supervisor that waits for its end. */
  readonly supervisor?: ProcessIdentity;
  /** What the kernel has mounted in its mount namespace, of the container's mounts. */
  readonly attached?: readonly AttachedMount[];
  /**
   * The signal that ends it, where the kernel would have dropped that and SIGKILL was sent in its place: the exit
   * status to record is that of this one.
   */
  readonly endedBy?: SignalName;
  /** Directories of its cgroups, which go at its end. */
  readonly cgroups?: readonly string[];
  /** The kernel ended something in it because its memory was used up. */
  readonly oomKilled?: boolean;
  /** It is being started again: `--rm` does not remove it now. */
  readonly restarts?: boolean;
  /** It has never run: it is being started for the first time, or could not be. */
  readonly neverRan?: boolean;
  /** Why the command could not be started. */
  readonly error?: string;
  /** Why what it wrote was not on disk at its end. */
  readonly lost?: string;
}

interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

export function readState(store: StoreView, id: string): CommandState | undefined {
  return readReplacedJson(store.path(containerHome(id), 'state.json')) as CommandState | undefined;
}

/** PRECONDITION: the container is locked. On disk on return. */
export function writeState(store: StoreView, id: string, state: CommandState): void {
  writeJson(store.path(containerHome(id), 'state.json'), state, 0o600);
}

/** As writeState(), of a container that goes at its end: nobody asks for its state after a power cut, so this waits for no disk. */
export function noteState(store: StoreView, id: string, state: CommandState): void {
  replaceJson(store.path(containerHome(id), 'state.json'), state, 0o600);
}

export function processIdentity(pid: number): ProcessIdentity {
  return { pid, startTicks: processStartTicks(pid) ?? 0 };
}

export function isRunning(identity: ProcessIdentity | undefined): identity is ProcessIdentity {
  return identity !== undefined && isAlive(identity);
}
