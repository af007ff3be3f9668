/** Snapshots and forks, by the functions that `plyfs snapshot` and `plyfs fork` call. */

import { resolveContainer } from '../container/record/find.js';
import { exportSnapshot } from '../container/snapshot/export-snapshot.js';
import { compareTrees } from '../image/contents/compare-trees.js';
import { findSnapshotTarget } from '../snapshot/find-snapshot-target.js';
import type { SnapshotTarget } from '../snapshot/snapshot-target.js';
import type { Store } from '../store/store.js';
import { type ArchiveTarget, writeArchive } from './archive-ends.js';
import { checkedOptions, checkedText } from './checked-options.js';
import { describedDifference, type TreeDifference } from './search-images.js';

/** A state that can be gone back to. */
export interface SnapshotDescription {
  readonly name: string;
  readonly createdAt: string;
  /** The container came from it, or went to it, last; undefined where that is not known. */
  readonly isCurrent: boolean | undefined;
}

/** How a state is taken. */
export interface SnapshotTaking {
  /** False: processes go on meanwhile. */
  readonly pause?: boolean | undefined;
}

/** Snapshots of what a store has. A target is named as for `plyfs snapshot`: `web`, `container:web`, `volume:data`, `draft:upgrade`, `/mnt`. */
export interface StoredSnapshots {
  /** The oldest first. @throws UserError */
  list(target: string): Promise<SnapshotDescription[]>;
  /** @throws UserError when there is one of that name. */
  create(target: string, name: string, options?: SnapshotTaking): Promise<void>;
  /** What differs between a snapshot and another, or what the target is now. @throws UserError */
  diff(target: string, name: string, other?: string): Promise<TreeDifference[]>;
  /** The target is what it was. @throws UserError with the code `ERR_IN_USE` while it is in use. */
  restore(target: string, name: string): Promise<void>;
  /** @throws UserError */
  remove(target: string, name: string): Promise<void>;
  /** Writes a snapshot of a container as an OCI archive. @throws UserError */
  export(container: string, name: string, target: ArchiveTarget): Promise<void>;
  /** Makes a second container, volume or draft of what one is now, or of a snapshot of it. @returns its id, or name. @throws UserError */
  fork(
    target: string,
    name: string,
    options?: SnapshotTaking & { readonly snapshot?: string | undefined },
  ): Promise<string>;
}

export function storedSnapshots(store: Store): StoredSnapshots {
  const found = (called: string, target: string, name = ' '): Promise<SnapshotTarget> => {
    checkedText(`snapshots.${called}()`, 'name', name);
    return findSnapshotTarget(store, checkedText(`snapshots.${called}()`, 'target', target));
  };
  return {
    list: async (target) =>
      (await found('list', target))
        .list()
        .map(({ name, createdAt, isCurrent }) => ({ name, createdAt, isCurrent })),
    create: async (target, name, options = {}) => {
      const checked = checkedOptions('snapshots.create()', options, { pause: 'boolean' });
      await (await found('create', target, name)).create(name, checked);
    },
    diff: async (target, name, other) => {
      using states = (await found('diff', target, name)).open(name, other);
      return compareTrees(states.before, states.after, { ignoresTimes: false })
        .map(states.shown)
        .filter((one) => one !== undefined)
        .map(describedDifference);
    },
    restore: async (target, name) => (await found('restore', target, name)).restore(name),
    remove: async (target, name) => (await found('remove', target, name)).remove(name),
    export: async (container, name, target) => {
      checkedText('snapshots.export()', 'container', container);
      using exported = await exportSnapshot(store, resolveContainer(store, container), name);
      await writeArchive('snapshots.export()', target, exported.chunks);
    },
    fork: async (target, name, options = {}) => {
      checkedText('snapshots.fork()', 'new name', name);
      const kinds = { pause: 'boolean', snapshot: 'string' } as const;
      const { pause = true, snapshot } = checkedOptions('snapshots.fork()', options, kinds);
      return (await found('fork', target)).fork(name, { snapshot, pause });
    },
  };
}
