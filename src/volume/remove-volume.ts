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
import { volumeHome } from '../store/volume-home.js';
import { readVolume, volumeDataPath } from '../store/volume-record.js';
import { noteVolume } from './note-volume.js';
import { readOutsideIds } from './outside-users.js';
import { whileUnused } from './use.js';
import { noSuchVolume } from './volume-names.js';

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
  store.lockedIfThere(() => {
    if (readVolume(store, name) === undefined) throw noSuchVolume(name);
    const containers = usersOfVolume(store, name);
    if (containers.length > 0) throw inUse(name, containers);
    if (!whileUnused(store, name, () => store.discard(volumeHome(name)), patienceMs)) {
      throw inUse(name, [...runningUsers(name), ...readOutsideIds(store, name).map(shortId)]);
    }
    noteVolume(store, name, 'destroy');
  });
}

/** Takes a volume back that was made for something that did not come about; one that is in use or has content stays. */
export function discardIfUnused(store: Store, name: string): void {
  store.locked(() => {
    if (usersOfVolume(store, name).length > 0) return;
    whileUnused(store, name, () => {
      if (!isEmpty(volumeDataPath(store, name))) return;
      store.discard(volumeHome(name));
      noteVolume(store, name, 'destroy');
    });
  });
}

function shortId(id: string): string {
  return id.slice(0, 12);
}

function inUse(name: string, ids: readonly string[]): UserError {
  const users = ids.length === 0 ? ['another process'] : ids;
  return new UserError(`cannot remove volume '${name}': volume is in use - [${users.join(', ')}]`, {
    code: 'ERR_IN_USE',
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
