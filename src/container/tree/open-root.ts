/**
 * The root of a container's tree as a descriptor: of its mount when it runs, of one made for the while when not.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { UserError } from '../../errno/user-error.js';
import { layerTreePath } from '../../image/catalog/image-index.js';
import type { ContainerRecord, Rootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { lockContainer } from '../record/container-lock.js';
import { realHome } from '../record/real-root.js';
import { containerStatus, mountPointOf } from '../record/status.js';
import { configOf } from './container-mount-config.js';
import { mountDetached } from './detached-mount.js';
import { ImageTree } from './image-tree.js';

export interface OpenRoot extends AsyncDisposable {
  readonly fd: number;
}

/**
 * The root in which a path means what it means to the container's command: a tmpfs is mounted in its namespace alone.
 * Everything else is seen without /proc and /dev.
 * @throws UserError
 */
export async function openRootOf(store: Store, record: ContainerRecord, path: string): Promise<OpenRoot> {
  const { pid, state } = containerStatus(store, record);
  const scratch = (state?.attached ?? []).filter(({ isScratch }) => isScratch);
  if (pid === undefined || scratch.length === 0) return openRoot(store, record);
  const layers = record.layers.map((hex) => layerTreePath(store, hex));
  using tree = new ImageTree(layers, realHome(store, record.id));
  const wanted = tree.resolve(`/${path}`).path;
  const isInside = scratch.some(({ target }) => `${wanted}/`.startsWith(`${tree.resolve(target).path}/`));
  if (!isInside) return openRoot(store, record);
  const fd = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  return { fd, [Symbol.asyncDispose]: async () => closeSync(fd) };
}

/**
 * What is copied to a tmpfs of a container that is not mounted would be gone at once, without a word.
 * @throws UserError
 */
export function assertKept(store: Store, record: ContainerRecord, path: string): void {
  const requests = record.mounts.map(({ request }) => request);
  if (requests.every(({ type }) => type !== 'tmpfs') || containerStatus(store, record).isMounted) return;
  const layers = record.layers.map((hex) => layerTreePath(store, hex));
  using tree = new ImageTree(layers, realHome(store, record.id));
  const pathOf = (inside: string): string => `${tree.resolve(inside).path}/`;
  const wanted = pathOf(`/${path}`);
  const innermost = requests
    .filter(({ target }) => wanted.startsWith(pathOf(target)))
    .sort((a, b) => pathOf(b.target).length - pathOf(a.target).length)[0];
  if (innermost?.type !== 'tmpfs') return;
  throw new UserError(
    `cannot copy to '${path}' of container '${record.name}': '${innermost.target}' is a tmpfs, which is empty at each start`,
    {
      hint: 'start the container first',
    },
  );
}

/** The container is locked while it is mounted for this. @throws UserError */
export async function openRoot(store: Store, record: Rootfs): Promise<OpenRoot> {
  const lock = await lockContainer(store, record);
  const { daemon, isMounted } = containerStatus(store, record);
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
