/**
 * A second container that begins with what another is: it shares the layers, with all that the first one has changed in them, and
 * has an upper of its own. Nothing is copied.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layerTreePath } from '../../image/catalog/image-index.js';
import { writeJson } from '../../store/atomic-file.js';
import { containerHome } from '../../store/container-home.js';
import { type ContainerRecord, imageLayersOf, listContainers } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { makeEmptyUpper } from '../../store/uppers/upper-push.js';
import { nameConflict } from '../make/create-container.js';
import { lockContainer, lockPath } from '../record/container-lock.js';
import { checkContainerName, newContainerId } from '../record/container-names.js';
import { reread, shortId } from '../record/find.js';
import { noteContainer } from '../record/note-container.js';
import { pushUpper } from './push-upper.js';
import { findSnapshot } from './snapshots.js';

interface ForkOptions {
  readonly name: string;
  /** The state to begin with; by default what the container is now. */
  readonly snapshot?: string | undefined;
  /** Stop its processes meanwhile. */
  readonly pause?: boolean;
}

/** @throws UserError; there is no second container then. */
export async function forkContainer(
  store: Store,
  container: ContainerRecord,
  { name, snapshot, pause = true }: ForkOptions,
): Promise<ContainerRecord> {
  checkContainerName(name);
  assertFree(store, name);
  using _lock = await lockContainer(store, container);
  const now = reread(store, container);
  const from =
    snapshot === undefined
      ? await pushUpper(store, now, { doing: 'fork', pause })
      : atSnapshot(now, snapshot);
  using intent = store.intend();
  const staged = store.stage('containers', intent);
  const home = store.path(staged);
  mkdirSync(join(home, 'merged'), { mode: 0o755 });
  const top = from.layers.at(-1);
  makeEmptyUpper(home, top === undefined ? undefined : layerTreePath(store, top));
  writeFileSync(lockPath(home), '', { mode: 0o600 });
  const record = asFork(from, name);
  writeJson(join(home, 'container.json'), record, 0o600);
  store.locked(() => {
    assertFree(store, name);
    intent.add({ do: 'remove', path: containerHome(record.id) });
    store.publish(staged, containerHome(record.id));
    intent.end();
  });
  noteContainer(store, record, 'create');
  return record;
}

function assertFree(store: Store, name: string): void {
  const holder = listContainers(store).find((record) => record.name === name);
  if (holder !== undefined) throw nameConflict(name, holder.id);
}

function atSnapshot(record: ContainerRecord, name: string): ContainerRecord {
  const { layers } = findSnapshot(record, name);
  return { ...record, layers: [...imageLayersOf(record), ...layers], ownLayers: layers.length };
}

/** Volumes and binds are the same; a volume without a name is the first one's, and stays when the fork is removed. */
function asFork(from: ContainerRecord, name: string): ContainerRecord {
  const id = newContainerId();
  const { snapshots: _, idFile: __, ...rest } = from;
  return {
    ...rest,
    id,
    name,
    createdAt: new Date().toISOString(),
    hostname: from.hostname === shortId(from.id) ? shortId(id) : from.hostname,
    mounts: from.mounts.map((mount) => ({ ...mount, unnamed: false })),
  };
}
