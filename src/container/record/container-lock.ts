/**
 * One command at a time changes what a container does: flock(2) on `containers/ID/lock`, held while it is created,
 * started, stopped, removed.
 *
 * Order: first this lock, then the store's; a holder of the store's never waits for this one. A process that supervises many
 * commands goes on with the others while it waits.
 */

import { existsSync } from 'node:fs';
import { UserError } from '../../errno/user-error.js';
import { containerHome } from '../../store/container-home.js';
import { type FileLock, lockInFolder } from '../../store/lock.js';
import type { Store } from '../../store/store.js';

/** Waits for other commands. @throws UserError when the container is gone by then. */
export async function lockContainer(
  store: Store,
  { id, name }: { id: string; name: string },
): Promise<FileLock> {
  const lock = await lockIfThere(store, { id });
  if (lock !== undefined) return lock;
  throw new UserError(`no such container: '${name}'`, { hint: 'it was removed just now' });
}

/** Waits for other commands. @returns undefined when the container is gone by then. */
export async function lockIfThere(store: Store, { id }: { id: string }): Promise<FileLock | undefined> {
  const home = store.path(containerHome(id));
  const lock = await lockInFolder(lockPath(home));
  // The process that held it may have removed the container, whose home goes at once.
  if (lock === undefined || existsSync(lockPath(home))) return lock;
  lock[Symbol.dispose]();
  return undefined;
}

export function lockPath(home: string): string {
  return `${home}/lock`;
}
