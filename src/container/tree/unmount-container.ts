/** A container's mount is taken away, also when its daemon was killed. */

import { type AwaitedEnd, unmountPath, waitUntilGone } from '../../daemon/client/unmount.js';
import type { RunState } from '../../daemon/run-directory/run-state.js';
import { errnoText } from '../../errno/errno.js';
import { hasCode } from '../../errno/error-code.js';
import { FsError } from '../../errno/fs-error.js';
import type { Rootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { containerStatus, mountPointOf } from '../record/status.js';

interface UnmountContainerOptions {
  /** Busy: detach it, and let it be served until its last user is gone. */
  readonly lazily: boolean;
  /** What was written is thrown away next, or made durable by another: no wait for the disk. */
  readonly isScratch?: boolean;
}

/**
 * PRECONDITION: the container is locked.
 * @returns why what it wrote is not on disk.
 * @throws UserError when it is in use and not to be detached lazily.
 */
export async function unmountContainer(
  store: Store,
  record: Rootfs,
  options: UnmountContainerOptions,
): Promise<string | undefined> {
  const taken = await takeMount(store, record, options);
  return taken && (await untilLetGo(store, record, taken)).lost;
}

export interface TakenMount {
  readonly daemon: RunState | undefined;
  readonly end: AwaitedEnd | undefined;
  readonly isScratch: boolean;
}

/** As `unmountContainer()`, without waiting for the daemon: for a holder of the lock, for which a command may wait that still
 * has the mount in a namespace. See `untilLetGo()`. */
export async function takeMount(
  store: Store,
  record: Rootfs,
  { lazily, isScratch = false }: UnmountContainerOptions,
): Promise<TakenMount | undefined> {
  const { isMounted, daemon } = containerStatus(store, record);
  if (!isMounted) return undefined;
  const mountpoint = nameFromText(mountPointOf(store, record));
  const options = { wait: false, durable: !isScratch };
  try {
    const { end } = await unmountPath(mountpoint, { ...options, lazy: daemon === undefined });
    return { daemon, end, isScratch };
  } catch (error) {
    if (!lazily || !hasCode(error, 'ERR_IN_USE')) throw error;
    const { end } = await unmountPath(mountpoint, { ...options, lazy: true });
    return { daemon, end, isScratch };
  }
}

const LETS_GO_MS = 5_000;

export interface LetGo {
  /** Why what was written is not on disk. */
  readonly lost?: string | undefined;
  /** The process that serves the mount on for another mount namespace, or for who has files of it open. */
  readonly servedOnBy?: number;
}

/**
 * Until the daemon has written what it is to write, and is gone. One that others keep from ending is left after a while: any
 * mount namespace that was made meanwhile has the mount. What was written is on disk all the same.
 */
export async function untilLetGo(store: Store, record: Rootfs, taken: TakenMount): Promise<LetGo> {
  const { daemon, end, isScratch } = taken;
  using _listening = end;
  const isGone = daemon === undefined || (await waitUntilGone(daemon, LETS_GO_MS));
  if (isGone) return { lost: await end?.lost };
  if (isScratch) return { servedOnBy: daemon.pid };
  // Loads the system calls, for the rare case.
  const { flushDisks } = await import('./flush-container.js');
  return { servedOnBy: daemon.pid, lost: lostOf(() => flushDisks(store, record)) };
}

function lostOf(flush: () => void): string | undefined {
  try {
    flush();
    return undefined;
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    return `what was written is not safe on disk: ${errnoText(error.errno)}`;
  }
}
