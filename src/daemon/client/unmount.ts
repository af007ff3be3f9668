/**
 * Unmounting from outside: through the daemon when it answers, over its head when it is dead or hangs.
 */

import { FS_TYPE, isSameMount, readMountinfo } from '../../engine/kernel/attach-mountinfo.js';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { displayName, type Name } from '../../vfs/name.js';
import { locate } from '../config/locate.js';
import { busyMount } from '../messages/busy-mount.js';
import { ControlConnection } from '../messages/control-client.js';
import {
  hasLetGo,
  isAlive,
  listRunStates,
  type RunState,
  readRunState,
  runDirectory,
  runRoot,
} from '../run-directory/run-state.js';

const DAEMON_TIMEOUT_MS = 5_000;
/** The daemon is gone a few milliseconds after the kernel lets go. */
const GONE_TIMEOUT_MS = 10_000;
const LAZY_GONE_TIMEOUT_MS = 200;
/** After its first thread has ended: one that waits for remote storage ends when that answers, and holds nothing but that. */
const OTHER_THREADS_TIMEOUT_MS = 700;
const GONE_POLL_MS = 5;

interface UnmountOutcome {
  /** The daemon lives on, since the mount is still in use: by open files (lazy) or in another mount namespace. */
  readonly servedOnBy: number | undefined;
  /** With `durable` and without `wait`: what the daemon says at its end of what was written. */
  readonly end?: AwaitedEnd;
}

/** Dispose of it to listen no longer. */
export interface AwaitedEnd extends Disposable {
  /** Why what was written is not on disk; settles at the latest when the daemon is gone. */
  readonly lost: Promise<string | undefined>;
}

interface UnmountMountOptions {
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
  { lazy, wait = true, durable = wait && !lazy }: UnmountMountOptions,
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
  const asked = state === undefined ? undefined : await askToUnmount(state, { lazy, durable, settle: wait });
  const isDone = asked !== undefined;
  // A daemon may be gone before it has answered: the session ends while fusermount3 is still on its way out.
  const isGoneAlready = isDone || !readMountinfo().some((one) => isSameMount(one, mount));
  if (!isGoneAlready) await unmountDirectly(path, { lazy, privileged: state?.privileged });
  if (!state) {
    // Of a daemon that died: listing takes its state away, now that nothing is mounted.
    listRunStates(runRoot());
    return { servedOnBy: undefined };
  }
  if (!wait) return { servedOnBy: state.pid, ...(asked?.end && { end: asked.end }) };
  const isGone = await waitUntilGone(state, lazy ? LAZY_GONE_TIMEOUT_MS : GONE_TIMEOUT_MS);
  return { servedOnBy: isGone ? undefined : state.pid };
}

/**
 * Undefined when the daemon cannot be asked, so that the caller has to act itself.
 * @throws UserError when it refuses, or what was written is not on disk.
 */
async function askToUnmount(
  state: RunState,
  args: { readonly lazy: boolean; readonly durable: boolean; readonly settle: boolean },
): Promise<Pick<UnmountOutcome, 'end'> | undefined> {
  const directory = runDirectory(runRoot(), state.id);
  // A slow disk may take as long as it likes, as at any umount(2); a user who is tired of it presses Ctrl-C, and the daemon goes on.
  const isBusy = (): boolean => readRunState(directory)?.isEnding === true && isAlive(state);
  const connection = new ControlConnection(directory);
  // Before the unmount is asked for: the daemon may be gone right after it.
  const end = args.durable && !args.settle ? awaitedEnd(connection) : undefined;
  try {
    await connection.ask('unmount', args, { timeoutMs: DAEMON_TIMEOUT_MS, isBusy });
    if (end !== undefined) return { end };
    connection[Symbol.dispose]();
    return {};
  } catch (error) {
    end?.[Symbol.dispose]();
    connection[Symbol.dispose]();
    if (hasCode(error, 'ERR_NO_ANSWER', 'ERR_NO_DAEMON')) return undefined;
    throw error;
  }
}

function awaitedEnd(connection: ControlConnection): AwaitedEnd {
  let isOver = false;
  const lost = connection.ask('settled', {}).then(
    (reply) => (reply as { readonly lost?: string }).lost,
    () => (isOver ? undefined : 'what was written may not be on disk: the daemon was gone before it said so'),
  );
  return {
    lost,
    [Symbol.dispose]: () => {
      isOver = true;
      connection[Symbol.dispose]();
    },
  };
}

interface DirectOptions {
  readonly lazy: boolean;
  /** Undefined when no state tells. */
  readonly privileged: boolean | undefined;
}

/** Loads the syscalls only here, since this is the rare way. */
async function unmountDirectly(path: Name, { lazy, privileged }: DirectOptions): Promise<void> {
  const { detachMount, detachOutcome } = await import('../../engine/kernel/attach-mount.js');
  const { CAP_SYS_ADMIN, hasCapability } = await import('../../linux/process/process.js');
  try {
    await detachMount(path, { lazy, privileged: privileged ?? hasCapability(CAP_SYS_ADMIN) });
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
    throw busyMount(shown, error);
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
