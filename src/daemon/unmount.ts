/**
 * Unmounting from outside: through the daemon when it answers, over its head when it is dead or hangs.
 */

import { FS_TYPE, readMountinfo } from '../engine/kernel/attach-mountinfo.js';
import { UserError } from '../errno/user-error.js';
import { displayName, type Name } from '../vfs/name.js';
import { askDaemon } from './control-client.js';
import { locate } from './locate.js';
import {
  hasLetGo,
  isAlive,
  listRunStates,
  type RunState,
  readRunState,
  runDirectory,
  runRoot,
} from './run-state.js';

const DAEMON_TIMEOUT_MS = 5_000;
/** The daemon is gone a few milliseconds after the kernel lets go. */
const GONE_TIMEOUT_MS = 10_000;
const LAZY_GONE_TIMEOUT_MS = 200;
/** After its first thread has ended: one that waits for far storage ends when that answers, and holds nothing but that. */
const OTHER_THREADS_TIMEOUT_MS = 700;
const GONE_POLL_MS = 5;

export interface UnmountOutcome {
  /** The daemon lives on, since the mount is still in use: by open files (lazy) or in another mount namespace. */
  readonly servedOnBy: number | undefined;
}

export interface UnmountOptions {
  readonly lazy: boolean;
  /** False: come back before the daemon is gone, and before what was written is on disk. */
  readonly wait?: boolean;
  /** False: what was written need not be on disk on return. With `lazy` and without `wait` it is not either. */
  readonly durable?: boolean;
}

/**
 * @param absolute not yet normalised, may lead over symlinks.
 * @throws UserError when it is no plyfs mount, or busy.
 */
export async function unmountPath(
  absolute: Name,
  { lazy, wait = true, durable = wait && !lazy }: UnmountOptions,
): Promise<UnmountOutcome> {
  const { path, mount, inside } = locate(absolute, readMountinfo());
  if (mount?.type !== FS_TYPE || inside !== '/') {
    const hint =
      mount && inside !== '/'
        ? `its mount point is '${displayName(mount.mountpoint)}'`
        : "'plyfs mounts' lists them";
    throw new UserError(`cannot unmount '${displayName(path)}': not the mount point of a plyfs mount`, {
      hint,
    });
  }
  const state = listRunStates(runRoot()).find(
    (one) => one.mountpoint === path && one.mountId === mount.mountId,
  );
  const isDone = state !== undefined && (await askToUnmount(state, { lazy, durable, settle: wait }));
  // A daemon may be gone before it has answered: the session ends while fusermount3 is still on its way out.
  const isGoneAlready = isDone || !readMountinfo().some(({ mountId }) => mountId === mount.mountId);
  if (!isGoneAlready) await unmountDirectly(path, { lazy, privileged: state?.privileged });
  if (!state) {
    // Of a daemon that died: listing takes its state away, now that nothing is mounted.
    listRunStates(runRoot());
    return { servedOnBy: undefined };
  }
  if (!wait) return { servedOnBy: state.pid };
  const isGone = await waitUntilGone(state, lazy ? LAZY_GONE_TIMEOUT_MS : GONE_TIMEOUT_MS);
  return { servedOnBy: isGone ? undefined : state.pid };
}

/**
 * False when the daemon cannot be asked, so that the caller has to act itself.
 * @throws UserError when it refuses, or what was written is not on disk.
 */
async function askToUnmount(
  state: RunState,
  args: { readonly lazy: boolean; readonly durable: boolean; readonly settle: boolean },
): Promise<boolean> {
  const directory = runDirectory(runRoot(), state.id);
  // A slow disk may take as long as it likes, as at any umount(2); who is tired of it presses Ctrl-C, and the daemon goes on.
  const isBusy = (): boolean => readRunState(directory)?.isEnding === true && isAlive(state);
  try {
    await askDaemon(directory, 'unmount', args, { timeoutMs: DAEMON_TIMEOUT_MS, isBusy });
    return true;
  } catch (error) {
    if (error instanceof UserError && /^(?:no answer|cannot reach|the daemon closed)/.test(error.message)) {
      return false;
    }
    throw error;
  }
}

interface DirectOptions {
  readonly lazy: boolean;
  /** Undefined when no state tells. */
  readonly privileged: boolean | undefined;
}

/** Loads the syscalls only here, since this is the rare way. */
async function unmountDirectly(path: Name, { lazy, privileged }: DirectOptions): Promise<void> {
  const { detach, detachOutcome } = await import('../engine/kernel/attach.js');
  const { CAP_SYS_ADMIN, hasCapability } = await import('../linux/process.js');
  try {
    await detach(path, { lazy, privileged: privileged ?? hasCapability(CAP_SYS_ADMIN) });
  } catch (error) {
    const shown = displayName(path);
    const outcome = detachOutcome(error);
    // The daemon was at it, and done before us.
    if (outcome === 'gone') return;
    if (outcome !== 'busy') {
      const reason =
        error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : '';
      throw new UserError(`cannot unmount '${shown}': ${reason}`, { cause: error });
    }
    throw new UserError(`cannot unmount '${shown}': it is in use`, {
      hint: `see who with: fuser -vm '${shown}'; or use plyfs umount --lazy`,
      cause: error,
    });
  }
}

/** However long the disk takes; for the rest `timeoutMs`. @returns false for one that lives on. */
export async function waitUntilGone(state: RunState, timeoutMs: number): Promise<boolean> {
  const directory = runDirectory(runRoot(), state.id);
  let deadline = Date.now() + timeoutMs;
  let hasEnded = false;
  while (!hasLetGo(state)) {
    if (!hasEnded && readRunState(directory)?.isEnding === true) deadline = Date.now() + timeoutMs;
    if (!hasEnded && !isAlive(state)) {
      hasEnded = true;
      deadline = Math.min(deadline, Date.now() + OTHER_THREADS_TIMEOUT_MS);
    }
    if (Date.now() > deadline) return hasEnded;
    await new Promise((resolve) => setTimeout(resolve, GONE_POLL_MS));
  }
  return true;
}
