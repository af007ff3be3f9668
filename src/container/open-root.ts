/**
 * The root of a container's tree as a descriptor: of its mount when it runs, of one made for the while when not.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { UserError } from '../errno/user-error.js';
import { layerTreePath } from '../image/image-index.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { mountDetached } from './detached-mount.js';
import { ImageTree } from './image-tree.js';
import { lockContainer } from './lock.js';
import { configOf } from './mount-config.js';
import { realRoot } from './real-root.js';
import { mountPointOf, statusOf } from './status.js';

export interface OpenRoot extends AsyncDisposable {
  readonly fd: number;
}

/**
 * The root in which a path means what it means to the container's command: a tmpfs is mounted in its namespace alone.
 * Everything else is seen without /proc and /dev.
 * @throws UserError
 */
export async function openRootOf(store: Store, record: ContainerRecord, path: string): Promise<OpenRoot> {
  const { pid, state } = statusOf(store, record);
  const scratch = (state?.attached ?? []).filter(({ isScratch }) => isScratch);
  if (pid === undefined || scratch.length === 0) return openRoot(store, record);
  const layers = record.layers.map((hex) => layerTreePath(store, hex));
  using tree = new ImageTree(layers, `${realRoot(store)}/containers/${record.id}`);
  const wanted = tree.resolve(`/${path}`).path;
  const isInside = scratch.some(({ target }) => `${wanted}/`.startsWith(`${tree.resolve(target).path}/`));
  if (!isInside) return openRoot(store, record);
  const fd = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  return { fd, [Symbol.asyncDispose]: async () => closeSync(fd) };
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
