/**
 * The root of a container's tree as a descriptor: of its mount when it runs, of one made for the while when not.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { UserError } from '../errno/user-error.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { mountDetached } from './detached-mount.js';
import { lockContainer } from './lock.js';
import { configOf } from './mount-config.js';
import { mountPointOf, statusOf } from './status.js';

export interface OpenRoot extends AsyncDisposable {
  readonly fd: number;
}

/** The container is locked while it is mounted for this. @throws UserError */
export async function openRoot(store: Store, record: ContainerRecord): Promise<OpenRoot> {
  const lock = lockContainer(store, record);
  const { daemon, isMounted } = statusOf(store, record);
  try {
    if (daemon !== undefined) {
      const fd = openSync(mountPointOf(store, record), constants.O_RDONLY | constants.O_DIRECTORY);
      lock[Symbol.dispose]();
      return { fd, [Symbol.asyncDispose]: async () => closeSync(fd) };
    }
    if (isMounted) {
      throw new UserError(`the daemon of container '${record.name}' is gone`, {
        hint: `'plyfs container start ${record.name}' mends that`,
      });
    }
    const mount = await mountDetached(configOf(store, record));
    return {
      fd: mount.fd,
      [Symbol.asyncDispose]: async () => {
        await mount[Symbol.asyncDispose]();
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}
