/** A container's mount is made. It is taken away by unmount-container.ts, which reads no layer. */

import { addRequest } from '../../daemon/client/change-running-mount.js';
import { launchDaemon } from '../../daemon/client/launch.js';
import { unmountPath } from '../../daemon/client/unmount.js';
import type { MountConfig } from '../../daemon/config/mount-config.js';
import { UserError } from '../../errno/user-error.js';
import type { Rootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { lockContainer } from '../record/container-lock.js';
import { realRoot } from '../record/real-root.js';
import { containerStatus, mountPointOf } from '../record/status.js';
import { configOf } from './container-mount-config.js';
import { type HostFile, makeHostFiles, missingMountPoints } from './host-files.js';

/**
 * PRECONDITION: the container is locked.
 * @throws UserError when it is mounted already, or cannot be.
 */
async function mountContainer(
  store: Store,
  record: Rootfs,
  config: MountConfig,
  environment?: NodeJS.ProcessEnv,
): Promise<void> {
  const { isMounted, daemon } = containerStatus(store, record);
  if (daemon !== undefined) {
    throw new UserError(`cannot start container '${record.name}': it is running already`, {
      hint: `'plyfs exec ${record.name} COMMAND' runs another command in it`,
    });
  }
  if (isMounted) await unmountPath(config.mountpoint, { lazy: true });
  await launchDaemon(config, environment);
}

/**
 * With /etc/hosts and the like, as its command sees it. PRECONDITION: the container is locked.
 * @param environment of a daemon that serves this mount alone.
 * @throws UserError
 */
export async function mountWithHostFiles(
  store: Store,
  record: Rootfs,
  environment?: NodeJS.ProcessEnv,
): Promise<HostFile[]> {
  const files = makeHostFiles(store, record);
  const extra = missingMountPoints(store, record, files);
  await mountContainer(store, record, configOf(store, record, { extra }), environment);
  return files;
}

/**
 * The same for one that is mounted already, which has no command so far and shows nothing of plyfs' own.
 * PRECONDITION: the container is locked.
 */
export async function addHostFiles(store: Store, record: Rootfs): Promise<HostFile[]> {
  const files = makeHostFiles(store, record);
  const taken = new Set(containerStatus(store, record).daemon?.mounts.map(({ target }) => target));
  for (const { request } of missingMountPoints(store, record, files)) {
    if (taken.has(request.target)) continue;
    await addRequest(nameFromText(mountPointOf(store, record)), request, realRoot(store));
  }
  return files;
}

/** Mounts it, unless it is; its command is not run. @returns the mount point. */
export async function mountWithoutCommand(store: Store, record: Rootfs): Promise<string> {
  using _lock = await lockContainer(store, record);
  if (containerStatus(store, record).daemon === undefined)
    await mountContainer(store, record, configOf(store, record));
  return mountPointOf(store, record);
}
