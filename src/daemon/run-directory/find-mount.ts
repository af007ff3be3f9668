/** The daemon of a mount, found by its mount point, which is not touched. */

import { readMountinfo } from '../../engine/kernel/attach-mountinfo.js';
import { UserError } from '../../errno/user-error.js';
import { displayName, type Name } from '../../vfs/name.js';
import { locate } from '../config/locate.js';
import { listRunStates, type RunState, runDirectory, runRoot, stateOfMount } from './run-state.js';

interface FoundMount {
  readonly state: RunState;
  /** Its run directory, with the control socket. */
  readonly directory: string;
}

/**
 * @param absolute not yet normalised; any path in the mount will do.
 * @param purpose as in `cannot PURPOSE '/mnt'`.
 * @throws UserError when no daemon of this user serves it.
 */
export function findMount(absolute: Name, purpose: string): FoundMount {
  const { path, mount } = locate(absolute, readMountinfo());
  const state = mount && stateOfMount(listRunStates(runRoot()), mount);
  if (state !== undefined) return { state, directory: runDirectory(runRoot(), state.id) };
  const reason = mount ? 'its daemon is gone or not yours' : 'no plyfs mount';
  throw new UserError(`cannot ${purpose} '${displayName(path)}': ${reason}`, {
    hint: "'plyfs mounts' lists them",
  });
}
