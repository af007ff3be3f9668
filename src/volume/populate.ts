/**
 * Filling a new container's volume with what its image has in that place.
 *
 * Done once, while the volume is empty: the root's mode, owner, times and xattrs, and the tree with its hard links. What
 * the volume's storage refuses (a chown on NFS) is a warning. A copy that is cut off is undone by whoever uses the
 * volume next.
 */

import { readdirSync, statSync } from 'node:fs';
import type { Store } from '../store/store.js';
import { writeUsage } from '../store/usage-record.js';
import { volumeHome } from '../store/volume-home.js';
import { readVolume, type VolumeFilling, writeVolume } from '../store/volume-record.js';
import { type CopyOutcome, copyTree } from './copy-tree.js';
import { beginFilling, endFilling, isHalfFilled, undoFilling } from './filling.js';
import { reserveVolume } from './use.js';

interface Population {
  readonly store: Store;
  readonly name: string;
  /** The directory in a mounted tree; when it is none, nothing is copied. */
  readonly fromDirectory: string;
  /** What the directory is, for the record of the volume. */
  readonly filling?: VolumeFilling;
}

/**
 * Waits while another container fills the same volume.
 * @returns undefined when there was nothing to do.
 * @throws UserError, FsError when it cannot be done; the volume is empty then.
 */
export function populateVolume({ store, name, fromDirectory, filling }: Population): CopyOutcome | undefined {
  if (statSync(fromDirectory, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  let outcome: CopyOutcome | undefined;
  const home = store.path(volumeHome(name));
  using _ = reserveVolume(store, name, ({ path, record }) => {
    if (!isEmptyVolume(path)) return;
    beginFilling(home);
    try {
      outcome = copyTree(fromDirectory, path);
    } catch (error) {
      undoFilling(home);
      throw error;
    }
    // First, or a kill would leave a full volume that nothing says to be filled.
    if (filling !== undefined) writeVolume(store, { ...record, filledFrom: filling });
    endFilling(home);
  });
  if (outcome !== undefined) writeUsage(home, outcome);
  return outcome;
}

/**
 * Whether it is worth looking what the image has there: false for a volume that has something in it. Of storage that
 * has to be mounted first only `populateVolume()` can tell.
 */
export function mayNeedFilling(store: Store, name: string): boolean {
  const home = store.path(volumeHome(name));
  const options = readVolume(store, name)?.options ?? {};
  return Object.keys(options).length > 0 || isHalfFilled(home) || isEmptyVolume(`${home}/_data`);
}

/** What mke2fs leaves in a new file system does not count. */
export function isEmptyVolume(path: string): boolean {
  const names = readdirSync(path);
  return (
    names.every((name) => name === 'lost+found') &&
    names.every((name) => readdirSync(`${path}/${name}`).length === 0)
  );
}
