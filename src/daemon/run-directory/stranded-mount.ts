/**
 * A mount whose daemon was killed before any other process could take it over: between mount(2) and the word to the keeper. Its state
 * is written with mount(2), so that it is known whose it is.
 */

import { readMountinfo } from '../../engine/kernel/attach-mountinfo.js';
import { isAlive, isMountOf, readRunState } from './run-state.js';

/**
 * Takes it away, so that its mount point is free again.
 * @param directory the run directory of an order that nobody serves.
 * @throws FsError
 */
export async function unmountStranded(directory: string): Promise<void> {
  const state = readRunState(directory);
  if (state?.mountId === undefined || isAlive(state)) return;
  const { mountpoint, privileged } = state;
  if (!readMountinfo().some((entry) => isMountOf(state, entry))) return;
  // Loads the system calls, which a command that mounts has no need of.
  const { detachMount } = await import('../../engine/kernel/attach-mount.js');
  await detachMount(mountpoint, { lazy: true, privileged });
}
