/**
 * Mounts that no path leads to, served by the daemon that serves all mounts of a user: it is warm, and the host sees nothing of
 * them. The descriptor of one is fetched from the daemon by pidfd_getfd(2), which its user may do.
 */

import { UserError } from '../../errno/user-error.js';
import { close } from '../../linux/files/open.js';
import { pidfdGetfd, pidfdOpen } from '../../linux/process/pidfd.js';
import { CAP_SYS_ADMIN, hasCapability } from '../../linux/process/process.js';
import type { MountConfig } from '../config/mount-config.js';
import type { SharedMount } from '../messages/daemon-report.js';
import { type RunState, removeRunDirectory } from '../run-directory/run-state.js';
import { mayShare } from './daemon-context.js';
import { newServeRequest } from './launch.js';
import { mountAndTake } from './launch-shared.js';
import { waitUntilGone } from './unmount.js';

const GONE_TIMEOUT_MS = 5_000;

interface DetachedMount {
  readonly state: RunState;
  /** The root, O_PATH; the caller's. */
  readonly fd: number;
}

/** Whether such mounts can be had of these; with `PLYFS_DAEMON=own` each has a daemon, which mounts at a place. */
export async function mayDetach(configs: readonly MountConfig[]): Promise<boolean> {
  if (process.env.PLYFS_DAEMON === 'own' || !hasCapability(CAP_SYS_ADMIN)) return false;
  const answers = await Promise.all(configs.map((config) => mayShare({ ...config, isDetached: true })));
  return answers.every((answer) => answer);
}

/**
 * PRECONDITION: `mayDetach()`. @returns undefined where the kernel keeps the descriptor from us (Yama, a seccomp filter); nothing is
 * left of the mount then. @throws UserError
 */
export async function launchDetached(config: MountConfig): Promise<DetachedMount | undefined> {
  const { request, directory } = newServeRequest({ ...config, isDetached: true });
  let mount: DetachedMount;
  try {
    mount = await mountAndTake(request, fetched);
  } catch (error) {
    removeRunDirectory(directory);
    throw error;
  }
  if (mount.fd >= 0) return mount;
  // The connection is closed, so nobody has it: it ends by itself.
  await waitUntilGone(mount.state, GONE_TIMEOUT_MS);
  return undefined;
}

/** @returns with a negative errno for a descriptor that cannot be had. */
function fetched({ detachedFd, ...state }: SharedMount): DetachedMount {
  // Its daemon was killed before it could tell, and the mount is gone with it.
  if (detachedFd === undefined) throw new UserError('the daemon was killed while it mounted');
  const daemon = pidfdOpen(state.pid);
  if (daemon < 0) return { state, fd: daemon };
  const fd = pidfdGetfd(daemon, detachedFd);
  close(daemon);
  return { state, fd };
}
