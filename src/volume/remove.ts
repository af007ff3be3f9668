/**
 * Removing volumes: refused while a container has one, running or not, or a running mount.
 *
 * The name goes by one rename, under the lock of the store; the content is deleted after it.
 */

import { readdirSync } from 'node:fs';
import { UserError } from '../errno/user-error.js';
import { isMissing } from '../store/atomic-file.js';
import { usersOfVolume } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { readVolume, volumeDataPath } from '../store/volume-record.js';
import { noSuchVolume } from './names.js';
import { whileUnused } from './use.js';

/** Ids of the running mounts that use a volume: the daemons know them. */
export type RunningUsers = (name: string) => readonly string[];

/**
 * Also from within a larger change that holds the store's lock.
 * @param patienceMs see `whileUnused()`.
 * @throws UserError `no such volume`, or `volume is in use - [ids]`.
 */
export function removeVolume(
  store: Store,
  name: string,
  runningUsers: RunningUsers,
  patienceMs?: number,
): void {
  store.locked(() => {
    if (readVolume(store, name) === undefined) throw noSuchVolume(name);
    const containers = usersOfVolume(store, name);
    if (containers.length > 0) throw inUse(name, containers);
    if (!whileUnused(store, name, () => store.discard(`volumes/${name}`), patienceMs)) {
      throw inUse(name, runningUsers(name));
    }
  });
}

/** Takes a volume back that was made for something that did not come about; one that is in use or has content stays. */
export function discardIfUnused(store: Store, name: string): void {
  store.locked(() => {
    if (usersOfVolume(store, name).length > 0) return;
    whileUnused(store, name, () => {
      if (isEmpty(volumeDataPath(store, name))) store.discard(`volumes/${name}`);
    });
  });
}

function inUse(name: string, ids: readonly string[]): UserError {
  const users = ids.length === 0 ? ['another process'] : ids;
  return new UserError(`cannot remove volume '${name}': volume is in use - [${users.join(', ')}]`, {
    hint: "'plyfs volume inspect' says by whom",
  });
}

function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}
