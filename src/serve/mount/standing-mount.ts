/** Mounts of plyfs that a server asks for, and that outlive it: by the daemon of this user, at a mount point that the server knows. */

import { launchDaemon } from '../../daemon/client/launch.js';
import { unmountPath } from '../../daemon/client/unmount.js';
import { buildConfig, type MountOptions } from '../../daemon/config/build-config.js';
import { listRunStates, makeMountsDirectory, runRoot } from '../../daemon/run-directory/run-state.js';
import { readMountinfo } from '../../linux/mounts/mountinfo.js';
import { nameFromText } from '../../vfs/name.js';

/** Mounts it unless it stands and is served; one whose daemon has died is taken away first. @throws UserError */
export async function ensureStanding(options: MountOptions): Promise<void> {
  if (isServed(options.mountpoint)) return;
  await takeDown(options.mountpoint);
  makeMountsDirectory(runRoot());
  await launchDaemon(buildConfig(options, '/'));
}

/** Does nothing where nothing is mounted. Who still has it open, or bound elsewhere, keeps it. */
export async function takeDown(mountpoint: string): Promise<void> {
  if (isMounted(mountpoint)) await unmountPath(nameFromText(mountpoint), { lazy: true });
}

function isServed(mountpoint: string): boolean {
  const name = nameFromText(mountpoint);
  return isMounted(mountpoint) && listRunStates(runRoot()).some((state) => state.mountpoint === name);
}

function isMounted(mountpoint: string): boolean {
  const name = nameFromText(mountpoint);
  return readMountinfo().some((entry) => entry.mountpoint === name);
}
