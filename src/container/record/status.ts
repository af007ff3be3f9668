/**
 * What a container does now: from its state, from /proc, from mountinfo. Touches no mount, asks no daemon.
 *
 *   created   its command has never run
 *   running   its command runs
 *   exited    its command has ended
 *   dead      its mount point is there and the daemon is gone; `start` and `stop` mend that
 *
 * Whether it is mounted is another matter: `container mount` does that to one that does not run.
 */

import {
  type RunState as DaemonState,
  listRunStates,
  runRoot,
  stateOfMount,
} from '../../daemon/run-directory/run-state.js';
import { FS_TYPE, type MountEntry, readMountinfo, topMountAt } from '../../engine/kernel/attach-mountinfo.js';
import type { Rootfs } from '../../store/container-record.js';
import type { StoreView } from '../../store/store-view.js';
import { nameFromText } from '../../vfs/name.js';
import { type CommandState, isRunning, readState } from './command-state.js';
import { realHome } from './real-root.js';

export type Status = 'created' | 'running' | 'exited' | 'dead';

export interface ContainerStatus {
  readonly status: Status;
  readonly state: CommandState | undefined;
  /** Host pid of the command. */
  readonly pid: number | undefined;
  readonly daemon: DaemonState | undefined;
  /** Something is mounted at its mount point. */
  readonly isMounted: boolean;
}

/** What is asked of the host once for all containers of a list. */
interface HostView {
  readonly daemons: readonly DaemonState[];
  readonly entries: readonly MountEntry[];
}

export function viewHost(): HostView {
  return { daemons: listRunStates(runRoot()), entries: readMountinfo() };
}

export function mountPointOf(store: StoreView, { id }: { readonly id: string }): string {
  return `${realHome(store, id)}/merged`;
}

export function containerStatus(
  store: StoreView,
  record: Pick<Rootfs, 'id'>,
  view: HostView = viewHost(),
): ContainerStatus {
  const mountpoint = nameFromText(mountPointOf(store, record));
  const top = topMountAt(view.entries, mountpoint);
  const isMounted = top?.type === FS_TYPE;
  const daemon = isMounted ? stateOfMount(view.daemons, top) : undefined;
  const state = readState(store, record.id);
  const pid = isRunning(state?.process) ? state.process.pid : undefined;
  return { status: wordFor({ state, isMounted, daemon, pid }), state, pid, daemon, isMounted };
}

function wordFor({ state, isMounted, daemon, pid }: Omit<ContainerStatus, 'status'>): Status {
  if (isMounted && daemon === undefined) return 'dead';
  if (pid !== undefined) return 'running';
  return state === undefined || state.neverRan === true ? 'created' : 'exited';
}
