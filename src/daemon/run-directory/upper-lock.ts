/**
 * One writable mount for an upper and a work directory: flock(2) on both, held for the daemon's life.
 *
 * The lock belongs to the open directory, so the kernel drops it with the process, however that ends. Kernel overlayfs
 * takes no such lock (it only warns in its log), so its mounts are looked for in mountinfo.
 */

import { closeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type MountEntry, readMountinfo } from '../../engine/kernel/attach-mountinfo.js';
import { EAGAIN, errnoText } from '../../errno/errno.js';
import { UserError } from '../../errno/user-error.js';
import { AT_FDCWD, LOCK_EX, LOCK_NB, O_DIRECTORY, O_RDONLY } from '../../linux/constants.js';
import { flock } from '../../linux/files/data.js';
import { close, openat } from '../../linux/files/open.js';
import { clonePrivate } from '../../linux/mounts/mount.js';
import { displayName, type Name } from '../../vfs/name.js';
import type { MountConfig } from '../config/mount-config.js';
import { isMountOf, listRunStates, type RunState } from './run-state.js';

/** Before it ends a daemon has upper's file system written out, which a busy disk makes slow. */
const ENDING_TIMEOUT_MS = 60_000;
/** Its mount is gone here, but may be there for a process that has it open, or in another mount namespace. */
const GONE_TIMEOUT_MS = 5_000;
const ENDING_POLL_MS = 20;

/**
 * Takes both locks; the descriptors are meant to stay open until the process ends.
 * @throws UserError that names the mount in the way.
 */
export async function lockUpper(
  config: Pick<MountConfig, 'mountpoint' | 'upper' | 'work'>,
  root: string,
): Promise<number[]> {
  const { upper, work } = config;
  if (upper === undefined || work === undefined) return [];
  refuseKernelOverlay(config.mountpoint, upper, readMountinfo());
  const held: number[] = [];
  try {
    held.push(await lockDirectory('upper', upper, config.mountpoint, root));
    held.push(await lockDirectory('work', work, config.mountpoint, root));
    return held;
  } catch (error) {
    for (const fd of held) closeSync(fd);
    throw error;
  }
}

async function lockDirectory(
  role: 'upper' | 'work',
  directory: Name,
  mountpoint: Name,
  root: string,
): Promise<number> {
  const fd = openApart(directory);
  if (fd < 0) throw inTheWay(mountpoint, role, directory, errnoText(-fd));
  const since = Date.now();
  let result = flock(fd, LOCK_EX | LOCK_NB);
  while (result === -EAGAIN && Date.now() < since + patienceMs(directory, root)) {
    await pause(ENDING_POLL_MS);
    result = flock(fd, LOCK_EX | LOCK_NB);
  }
  if (result >= 0) return fd;
  closeSync(fd);
  if (result !== -EAGAIN)
    throw inTheWay(mountpoint, role, directory, `cannot be locked: ${errnoText(-result)}`);
  throw inTheWay(mountpoint, role, directory, `is in use by ${holderOf(directory, listRunStates(root))}`);
}

/**
 * Opens a directory to hold a lock, where it can be done without keeping the mount that it lies on busy.
 * @returns a descriptor, or a negated errno.
 */
function openApart(directory: Name): number {
  const fd = openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
  const clone = fd < 0 ? fd : clonePrivate(fd, { readOnly: false });
  if (clone < 0) return fd;
  const apart = openat(clone, '.', O_RDONLY | O_DIRECTORY);
  close(clone);
  if (apart < 0) return fd;
  close(fd);
  return apart;
}

/** How long to wait for the holder: umount(8) returns before the daemon that served the mount has ended. */
function patienceMs(directory: Name, root: string): number {
  const holder = holderAmong(directory, listRunStates(root));
  // The last thing before the end is that its state is removed.
  if (holder === undefined) return GONE_TIMEOUT_MS;
  if (holder.isEnding === true) return ENDING_TIMEOUT_MS;
  const isThere = readMountinfo().some((entry) => isMountOf(holder, entry));
  return holder.mountId === undefined || isThere ? 0 : GONE_TIMEOUT_MS;
}

function holderAmong(directory: Name, states: readonly RunState[]): RunState | undefined {
  return states.find((state) => state.upper === directory || state.work === directory);
}

/** `the mount at '/other' (pid 123)`, or another process when no state tells. */
export function holderOf(directory: Name, states: readonly RunState[]): string {
  const holder = holderAmong(directory, states);
  if (!holder) return 'another process';
  return `the mount at '${displayName(holder.mountpoint)}' (pid ${holder.pid})`;
}

/** @throws UserError when a mount of kernel overlayfs has this upper. */
export function refuseKernelOverlay(mountpoint: Name, upper: Name, entries: readonly MountEntry[]): void {
  const overlay = entries.find((entry) => entry.type === 'overlay' && upperdirOf(entry) === upper);
  if (!overlay) return;
  const where = displayName(overlay.mountpoint);
  throw inTheWay(mountpoint, 'upper', upper, `is in use by the kernel overlay at '${where}'`);
}

/** The upperdir of an overlay as it was typed; the kernel puts a backslash before commas, colons and backslashes. */
function upperdirOf(entry: MountEntry): Name | undefined {
  const value = /(?:^|,)upperdir=((?:[^,\\]|\\.)*)/s.exec(entry.superOptions)?.[1];
  return value?.replace(/\\(.)/gs, '$1');
}

function inTheWay(mountpoint: Name, role: string, directory: Name, what: string): UserError {
  return new UserError(
    `cannot mount on '${displayName(mountpoint)}': ${role} '${displayName(directory)}' ${what}`,
  );
}
