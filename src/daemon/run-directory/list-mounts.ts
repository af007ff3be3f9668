/**
 * The mounts of this user: run states joined with what the kernel has mounted. Touches no mount.
 */

import { FS_TYPE, type MountEntry, readMountinfo } from '../../engine/kernel/attach-mountinfo.js';
import { displayName } from '../../vfs/name.js';
import { isMountOf, listRunStates, type RunState, runRoot } from './run-state.js';

/** All strings are text. */
export interface ListedMount {
  readonly mountpoint: string;
  readonly status: 'up' | 'detached' | 'no daemon';
  readonly layers: readonly string[];
  readonly upper?: string;
  readonly work?: string;
  /** `TARGET (TYPE)` of each mount over the union. */
  readonly mounts: readonly string[];
  readonly readOnly: boolean;
  readonly engine: string;
  readonly pid?: number;
  readonly createdAt: string;
  readonly id: string;
}

/** Oldest first; those without a daemon of this user's at the end. */
export function listMounts(states = listRunStates(runRoot()), entries = readMountinfo()): ListedMount[] {
  const ours = entries.filter((entry) => entry.type === FS_TYPE);
  const served = states.filter((state) => state.mountId !== undefined);
  const up = ours.filter((entry) => served.some((state) => isMountOf(state, entry)));
  // A bind of a mount (containerd's root directories, `mount --bind`) is no mount of its own.
  const devices = new Set(up.map(({ device }) => device));
  const orphans = ours.filter(({ device }) => !devices.has(device));
  return [
    ...served.map((state) => listed(state, up.some((entry) => isMountOf(state, entry)) ? 'up' : 'detached')),
    ...orphans.map(orphan),
  ];
}

function listed(state: RunState, status: 'up' | 'detached'): ListedMount {
  return {
    mountpoint: displayName(state.mountpoint),
    status,
    layers: state.layers.map(displayName),
    ...(state.upper === undefined ? {} : { upper: displayName(state.upper) }),
    ...(state.work === undefined ? {} : { work: displayName(state.work) }),
    mounts: state.mounts.map((mount) => `${mount.target} (${mount.type})`),
    readOnly: state.readOnly,
    engine: state.engine,
    pid: state.pid,
    createdAt: state.createdAt,
    id: state.id,
  };
}

function orphan(entry: MountEntry): ListedMount {
  return {
    mountpoint: displayName(entry.mountpoint),
    status: 'no daemon',
    layers: [],
    mounts: [],
    readOnly: false,
    engine: '',
    createdAt: '',
    id: '',
  };
}
