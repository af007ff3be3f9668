/** A container's mount: made, and taken away, also when its daemon was killed. */

import { launchDaemon } from '../daemon/launch.js';
import type { MountConfig } from '../daemon/mount-config.js';
import { isAlive, type RunState } from '../daemon/run-state.js';
import { unmountPath } from '../daemon/unmount.js';
import { UserError } from '../errno/user-error.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { nameFromText } from '../vfs/name.js';
import { lockContainer } from './lock.js';
import { configOf } from './mount-config.js';
import { writeState } from './run-state.js';
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

/** Mounts it, unless it is; its command is not run. @returns the mount point. */
export async function startContainer(store: Store, record: ContainerRecord): Promise<string> {
  using _lock = lockContainer(store, record);
  if (statusOf(store, record).daemon === undefined) {
    await mountContainer(store, record, configOf(store, record));
    writeState(store, record.id, { startedAt: new Date().toISOString() });
  }
  return mountPointOf(store, record);
}

export interface UnmountWays {
  /** Busy: detach it, and let it be served until its last user is gone. */
  readonly lazily: boolean;
}

/**
 * PRECONDITION: the container is locked.
 * @throws UserError when it is in use and not to be detached lazily.
 */
export async function unmountContainer(
  store: Store,
  record: ContainerRecord,
  { lazily }: UnmountWays,
): Promise<void> {
  const status = statusOf(store, record);
  if (!status.isMounted) return;
  const mountpoint = nameFromText(mountPointOf(store, record));
  try {
    await unmountPath(mountpoint, { lazy: status.daemon === undefined });
  } catch (error) {
    if (!lazily || !isBusy(error)) throw error;
    await unmountPath(mountpoint, { lazy: true });
  }
  await untilGone(status);
}

function isBusy(error: unknown): boolean {
  return error instanceof UserError && error.message.endsWith('it is in use');
}

const GONE_TIMEOUT_MS = 1_000;
const POLL_MS = 5;

/** A short while: processes that were just killed are still letting go of it. */
async function untilGone({ daemon }: ContainerStatus): Promise<void> {
  const deadline = Date.now() + GONE_TIMEOUT_MS;
  while (isServing(daemon) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

function isServing(daemon: RunState | undefined): boolean {
  return daemon !== undefined && isAlive(daemon);
}
