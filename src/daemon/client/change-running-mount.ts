/**
 * Mounts more over a running mount, and takes mounts away from it: what the commands of containers call.
 *
 * Open files of a mount that is taken away go on until they are closed. Nothing here touches the mount or its storage.
 */

import type { MountRequest } from '../../mounts/request/types.js';
import type { Name } from '../../vfs/name.js';
import { resolveRequests } from '../config/build-config.js';
import type { EngineName } from '../config/mount-config.js';
import { askDaemon } from '../messages/control-client.js';
import { findMount } from '../run-directory/find-mount.js';

/** Remote storage may take its `timeout=`; the daemon answers when that is over. */
const SPARE_MS = 15_000;

/** @throws UserError when the target is taken, or the source cannot be mounted. */
export async function addRequest(mountpoint: Name, request: MountRequest, root: string): Promise<void> {
  const { state, directory } = findMount(mountpoint, 'add a mount to');
  const [mount] = resolveRequests([request], { root, engine: state.engine as EngineName });
  await askDaemon(directory, 'mountAdd', { mount }, { timeoutMs: (request.timeoutMs ?? 0) + SPARE_MS });
}

/**
 * @param target as it was given when it was mounted, absolute and clean.
 * @throws UserError when nothing is mounted there, or something inside of it.
 */
export async function removeMount(mountpoint: Name, target: string): Promise<void> {
  const { directory } = findMount(mountpoint, 'remove a mount of');
  await askDaemon(directory, 'mountRemove', { target }, { timeoutMs: SPARE_MS });
}
