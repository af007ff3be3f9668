/**
 * Snapshots of containers: states with a name, which a container can go back to. They are in its record; what they hold are layers.
 */

import { UserError } from '../../errno/user-error.js';
import { layerTreePath } from '../../image/catalog/image-index.js';
import {
  type ContainerRecord,
  imageLayersOf,
  ownLayersOf,
  type SnapshotRecord,
} from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { lockContainer } from '../record/container-lock.js';
import { reread } from '../record/find.js';
import { ImageTree } from '../tree/image-tree.js';
import { removalOfLayers } from '../tree/own-layers.js';
import { assertNotMounted, assertPushable, popUpper, pushUpper, recordStep } from './push-upper.js';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** @throws UserError */
export function findSnapshot({ name, snapshots = [] }: ContainerRecord, wanted: string): SnapshotRecord {
  const found = snapshots.find((one) => one.name === wanted);
  if (found !== undefined) return found;
  throw new UserError(`no such snapshot of container '${name}': '${wanted}'`, {
    code: 'ERR_NOT_FOUND',
    hint: `'plyfs snapshot ls ${name}' shows those there are`,
  });
}

/** What the container is becomes a state that it can go back to. @throws UserError */
export async function createSnapshot(
  store: Store,
  container: ContainerRecord,
  { name, pause = true }: { readonly name: string; readonly pause?: boolean },
): Promise<void> {
  if (!NAME.test(name))
    throw new UserError(`invalid snapshot name '${name}': only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  using _lock = await lockContainer(store, container);
  const record = reread(store, container);
  if (record.snapshots?.some((one) => one.name === name) === true) {
    throw new UserError(`container '${record.name}' has a snapshot '${name}' already`, {
      code: 'ERR_EXISTS',
      hint: `remove it with 'plyfs snapshot rm ${record.name} ${name}', or take another name`,
    });
  }
  await pushUpper(store, record, {
    doing: 'take a snapshot of',
    pause,
    recordOf: (pushed) => ({
      ...pushed,
      snapshots: [
        ...(pushed.snapshots ?? []),
        { name, createdAt: new Date().toISOString(), layers: ownLayersOf(pushed) },
      ],
    }),
  });
}

/** The container is what it was; what was changed since the last snapshot is gone. @throws UserError while it is mounted. */
export async function restoreSnapshot(store: Store, container: ContainerRecord, name: string): Promise<void> {
  using _lock = await lockContainer(store, container);
  const record = reread(store, container);
  const { layers } = findSnapshot(record, name);
  assertPushable(store, record, 'restore');
  assertNotMounted(store, record, 'restore');
  popUpper(store, record, layers);
}

/** What it holds and nothing else needs goes from the disk. @throws UserError */
export async function removeSnapshot(store: Store, container: ContainerRecord, name: string): Promise<void> {
  using _lock = await lockContainer(store, container);
  using intent = store.intend();
  store.locked(() => {
    const record = reread(store, container);
    const { layers } = findSnapshot(record, name);
    const next = { ...record, snapshots: (record.snapshots ?? []).filter((one) => one.name !== name) };
    const kept = new Set([...next.layers, ...next.snapshots.flatMap((one) => one.layers)]);
    const dropped = layers.filter((hex) => !kept.has(hex));
    using removal = removalOfLayers(store, dropped, (id) => id === record.id);
    intent.decide([recordStep(next), ...removal.steps]);
    intent.carryOut();
  });
}

/** The tree as it was, for reading. The caller closes it. @throws UserError */
export function openSnapshot(store: Store, record: ContainerRecord, name: string): ImageTree {
  const layers = [...imageLayersOf(record), ...findSnapshot(record, name).layers];
  return new ImageTree(layers.map((hex) => layerTreePath(store, hex)));
}
