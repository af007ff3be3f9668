/** Which volumes of a store the running mounts use, by the run states of this user's daemons. */

import { realpathSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { displayName } from '../../vfs/name.js';
import type { RunningMount } from '../../volume/list-volumes.js';
import { listRunStates, runRoot } from './run-state.js';

/** Mounts of containers are left out: the store knows them as containers. */
export function runningMounts(storeRoot: string, states = listRunStates(runRoot())): RunningMount[] {
  const root = realPath(storeRoot);
  return states
    .map((state) => ({
      id: state.id,
      mountpoint: displayName(state.mountpoint),
      volumes: state.mounts.flatMap(({ volume, target }) =>
        volume !== undefined && realPath(volume.root) === root ? [{ name: volume.name, target }] : [],
      ),
    }))
    .filter(({ mountpoint, volumes }) => volumes.length > 0 && !mountpoint.startsWith(`${root}/containers/`));
}

/** Ids of the containers that are mounted. */
export function runningContainers(storeRoot: string, states = listRunStates(runRoot())): Set<string> {
  const folder = `${realPath(storeRoot)}/containers/`;
  const points = states
    .map(({ mountpoint }) => displayName(mountpoint))
    .filter((path) => path.startsWith(folder));
  return new Set(points.map((path) => path.slice(folder.length).split('/')[0] ?? ''));
}

/** For messages: who uses the volume. */
export function runningUsersOf(storeRoot: string): (name: string) => string[] {
  return (name) =>
    runningMounts(storeRoot)
      .filter(({ volumes }) => volumes.some((volume) => volume.name === name))
      .map(({ id }) => id);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return path;
    throw error;
  }
}
