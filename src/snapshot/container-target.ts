/** A container as something that has snapshots. */

import { openContainerTree } from '../container/changes/export-container.js';
import { forkContainer } from '../container/snapshot/fork-container.js';
import {
  createSnapshot,
  openSnapshot,
  removeSnapshot,
  restoreSnapshot,
} from '../container/snapshot/snapshots.js';
import { type ContainerRecord, ownLayersOf } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { openBoth } from './open-states.js';
import type { SnapshotTarget } from './snapshot-target.js';

export function containerTarget(store: Store, record: ContainerRecord): SnapshotTarget {
  return {
    kind: 'container',
    name: record.name,
    list: () => {
      const current = ownLayersOf(record).join();
      return (record.snapshots ?? []).map(({ name, createdAt, layers }) => ({
        name,
        createdAt,
        layers: layers.length,
        isCurrent: layers.join() === current,
      }));
    },
    create: (name, { pause = true } = {}) => createSnapshot(store, record, { name, pause }),
    restore: (name) => restoreSnapshot(store, record, name),
    remove: (name) => removeSnapshot(store, record, name),
    fork: async (name, { snapshot, pause = true } = {}) =>
      (await forkContainer(store, record, { name, snapshot, pause })).id,
    open: (name, other) =>
      openBoth(
        () => openSnapshot(store, record, name),
        () => (other === undefined ? openContainerTree(store, record) : openSnapshot(store, record, other)),
      ),
  };
}
