/**
 * Removing the volumes that nobody uses: the anonymous ones, with `all` the named ones too.
 */

import { UserError } from '../errno/user-error.js';
import { measureTree } from '../store/measure-tree.js';
import type { Store } from '../store/store.js';
import { volumeHome } from '../store/volume-home.js';
import { describeVolumes, matchesFilter, type RunningMount, type VolumeFilter } from './list-volumes.js';
import { removeVolume } from './remove-volume.js';

interface PruneOptions {
  readonly all: boolean;
  readonly filter: VolumeFilter;
  readonly running: readonly RunningMount[];
}

interface PrunedVolumes {
  readonly names: readonly string[];
  /** Space that they took on this host's disk. */
  readonly bytes: number;
}

/** How long a volume's storage is waited for: nobody else gets the store's lock meanwhile. */
const PATIENCE_MS = 200;

/** One that somebody begins to use meanwhile stays. */
export function pruneVolumes(store: Store, { all, filter, running }: PruneOptions): PrunedVolumes {
  const names: string[] = [];
  let bytes = 0;
  const unused = describeVolumes(store, running).filter(
    (volume) => volume.users.length === 0 && (all || volume.anonymous) && matchesFilter(volume, filter),
  );
  for (const { record } of unused) {
    // What is mounted there is on other storage, and stays.
    const itsBytes = measureTree(store.path(volumeHome(record.name))).diskBytes;
    if (!removed(store, record.name)) continue;
    names.push(record.name);
    bytes += itsBytes;
  }
  return { names, bytes };
}

function removed(store: Store, name: string): boolean {
  try {
    removeVolume(store, name, () => [], PATIENCE_MS);
    return true;
  } catch (error) {
    // Used by now, or removed by somebody else.
    if (error instanceof UserError) return false;
    throw error;
  }
}
