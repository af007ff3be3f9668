/** A container's mount: made, and taken away, also when its daemon was killed. */

import { addRequest } from '../daemon/change-mounts.js';
import { launchDaemon } from '../daemon/launch.js';
import type { MountConfig } from '../daemon/mount-config.js';
import { unmountPath, waitUntilGone } from '../daemon/unmount.js';
import { UserError } from '../errno/user-error.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { nameFromText } from '../vfs/name.js';
import { type HostFile, makeHostFiles, missingMountPoints } from './host-files.js';
import { lockContainer } from './lock.js';
import { configOf } from './mount-config.js';
import { realRoot } from './real-root.js';
import { type ContainerStatus, mountPointOf, statusOf } from './status.js';

/**
 * PRECONDITION: the container is locked.
 * @throws UserError when it is mounted already, or cannot be.
 */
export async function mountContainer(
  store: Store,
  record: ContainerRecord,
  config: MountConfig,
): Promise<void> {
  const { isMounted, daemon } = statusOf(store, record);
  if (daemon !== undefined) {
    throw new UserError(`cannot start container '${record.name}': it is running already`, {
      hint: `'plyfs exec ${record.name} COMMAND' runs another command in it`,
    });
  }
  if (isMounted) await unmountPath(config.mountpoint, { lazy: true });
  await launchDaemon(config);
}

/** With /etc/hosts and the like, as its command sees it. PRECONDITION: the container is locked. @throws UserError */
export async function mountWithHostFiles(store: Store, record: ContainerRecord): Promise<HostFile[]> {
  const files = makeHostFiles(store, record);
  const extra = missingMountPoints(store, record, files);
  await mountContainer(store, record, configOf(store, record, { extra }));
  return files;
}

/**
 * The same for one that is mounted already, which has no command so far and shows nothing of plyfs' own.
 * PRECONDITION: the container is locked.
 */
export async function addHostFiles(store: Store, record: ContainerRecord): Promise<HostFile[]> {
  const files = makeHostFiles(store, record);
  const taken = new Set(statusOf(store, record).daemon?.mounts.map(({ target }) => target));
  for (const { request } of missingMountPoints(store, record, files)) {
    if (taken.has(request.target)) continue;
    await addRequest(nameFromText(mountPointOf(store, record)), request, realRoot(store));
  }
  return files;
}

/** Mounts it, unless it is; its command is not run. @returns the mount point. */
export async function mountWithoutCommand(store: Store, record: ContainerRecord): Promise<string> {
  using _lock = lockContainer(store, record);
  if (statusOf(store, record).daemon === undefined)
    await mountContainer(store, record, configOf(store, record));
  return mountPointOf(store, record);
}

export interface UnmountWays {
  /** Busy: detach it, and let it be served until its last user is gone. */
  readonly lazily: boolean;
  /** What was written is thrown away next, or made durable by another: no wait for the disk. */
  readonly isScratch?: boolean;
}

/**
 * PRECONDITION: the container is locked.
 * @throws UserError when it is in use and not to be detached lazily.
 */
export async function unmountContainer(
  store: Store,
  record: ContainerRecord,
  { lazily, isScratch = false }: UnmountWays,
): Promise<void> {
  const status = statusOf(store, record);
  if (!status.isMounted) return;
  await takeMount(store, record, { lazily, isScratch });
  await untilLetGo(status);
}

/** As `unmountContainer()`, without waiting for the daemon: for who holds the lock, for which a command may wait that still
 * has the mount in a namespace. See `untilLetGo()`. */
export async function takeMount(
  store: Store,
  record: ContainerRecord,
  { lazily, isScratch = false }: UnmountWays,
): Promise<void> {
  const { daemon } = statusOf(store, record);
  const mountpoint = nameFromText(mountPointOf(store, record));
  try {
    await unmountPath(mountpoint, { lazy: daemon === undefined, wait: false, durable: !isScratch });
  } catch (error) {
    if (!lazily || !isBusy(error)) throw error;
    await unmountPath(mountpoint, { lazy: true });
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof UserError && error.message.endsWith('it is in use');
}

const LETS_GO_MS = 5_000;

/** Until the daemon has written what it is to write, and is gone. One that others keep from ending is left after a while. */
export async function untilLetGo({ daemon }: ContainerStatus): Promise<void> {
  if (daemon !== undefined) await waitUntilGone(daemon, LETS_GO_MS);
}
