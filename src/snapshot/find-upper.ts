/** The upper that a path means: that of the mount there, or the directory itself, which has had snapshots before. */

import { join, resolve } from 'node:path';
import { findContainer } from '../container/record/find.js';
import { locate } from '../daemon/config/locate.js';
import { listRunStates, type RunState, runRoot, stateOfMount } from '../daemon/run-directory/run-state.js';
import { FS_TYPE, readMountinfo } from '../engine/kernel/attach-mountinfo.js';
import { UserError } from '../errno/user-error.js';
import type { Store } from '../store/store.js';
import { mayHaveSnapshots } from '../store/uppers/upper-snapshots.js';
import { displayName, type Name, nameFromText, textFromName } from '../vfs/name.js';
import type { SnapshotTarget } from './snapshot-target.js';
import { upperTarget } from './upper-target.js';

/** @throws UserError for a mount that has no upper, or that somebody else serves. */
export async function findUpper(store: Store, text: string): Promise<SnapshotTarget | undefined> {
  const { path, mount, inside } = locate(nameFromText(resolve(text)), readMountinfo());
  const states = listRunStates(runRoot());
  if (mount?.type === FS_TYPE && inside === '/') {
    const state = stateOfMount(states, mount);
    return await targetOfMount(store, path, state);
  }
  if (!mayHaveSnapshots(path)) return undefined;
  return upperTarget({ upper: path, state: states.find(({ upper }) => upper === path) });
}

async function targetOfMount(store: Store, path: Name, state: RunState | undefined): Promise<SnapshotTarget> {
  const shown = displayName(path);
  if (state === undefined)
    throw new UserError(`cannot have snapshots of '${shown}': its daemon is gone or not yours`);
  const { upper } = state;
  if (upper === undefined)
    throw new UserError(`cannot have snapshots of '${shown}': the mount is read-only`, {
      hint: 'a snapshot keeps what upper has: mount it with --upper DIR',
    });
  const [, id] = /^([0-9a-f]+)\/upper$/.exec(below(store.path('containers'), textFromName(upper))) ?? [];
  const container = id === undefined ? undefined : findContainer(store, id);
  if (container === undefined) return upperTarget({ upper, state });
  return (await import('./container-target.js')).containerTarget(store, container);
}

function below(folder: string, path: string): string {
  const prefix = join(folder, '/');
  return path.startsWith(prefix) ? path.slice(prefix.length) : '';
}
