/**
 * One command at a time changes what a container does: flock(2) on `containers/ID/lock`, held while it is created,
 * started, stopped, removed.
 *
 * Order: first this lock, then the store's; who holds the store's never waits for this one.
 */

import { existsSync } from 'node:fs';
import { UserError } from '../errno/user-error.js';
import { type FileLock, lockFile } from '../store/lock.js';
import type { Store } from '../store/store.js';

/** Waits for other commands. @throws UserError when the container is gone by then. */
export function lockContainer(store: Store, { id, name }: { id: string; name: string }): FileLock {
  const lock = lockIfThere(store, { id });
  if (lock !== undefined) return lock;
  throw new UserError(`no such container: '${name}'`, { hint: 'it was removed just now' });
}

/** Waits for other commands. @returns undefined when the container is gone by then. */
export function lockIfThere(store: Store, { id }: { id: string }): FileLock | undefined {
  const home = store.path('containers', id);
  if (!existsSync(home)) return undefined;
  const lock = lockFile(lockPath(home));
  // Who held it may have removed the container.
  if (existsSync(`${home}/container.json`)) return lock;
  lock[Symbol.dispose]();
  return undefined;
}

export function lockPath(home: string): string {
  return `${home}/lock`;
}
