/**
 * What `system prune` removes: containers first, since they hold images and volumes.
 */

import { pruneContainers } from '../../container/end/remove-container.js';
import { runningContainers, runningMounts } from '../../daemon/run-directory/store-users.js';
import { pruneImages } from '../../image/catalog/remove-image.js';
import { type ContainerRecord, listContainers } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import type { VolumeFilter } from '../../volume/list-volumes.js';
import { pruneVolumes } from '../../volume/prune-volumes.js';

type Labels = Readonly<Record<string, string>>;

interface SystemPruneOptions {
  /** Also images with a name. */
  readonly all: boolean;
  /** Undefined: no volumes. */
  readonly volumes: VolumeFilter | undefined;
  readonly wanted: Wanted;
}

/** Whether a thing with these labels, made then (RFC 3339, empty: not known), may go. */
export type Wanted = (labels: Labels, createdAt: string) => boolean;

interface PrunedSystem {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly untagged: readonly string[];
  readonly images: readonly string[];
  readonly bytes: number;
}

/** Those that do not run. */
export function prunableContainers(store: Store, wanted: Wanted): ContainerRecord[] {
  const running = runningContainers(store.root);
  return listContainers(store).filter(
    ({ id, labels, createdAt }) => !running.has(id) && wanted(labels, createdAt),
  );
}

export async function pruneSystem(
  store: Store,
  { all, volumes, wanted }: SystemPruneOptions,
): Promise<PrunedSystem> {
  const idle = new Set(prunableContainers(store, wanted).map(({ id }) => id));
  const containers = await pruneContainers(store, ({ id }) => idle.has(id));
  const images = pruneImages(store, {
    all,
    keep: ({ config }) => !wanted(config.config?.Labels ?? {}, config.created ?? ''),
  });
  const filter = volumes ?? {};
  const pruned =
    volumes === undefined
      ? { names: [], bytes: 0 }
      : pruneVolumes(store, { all: false, filter, running: runningMounts(store.root) });
  return {
    containers: containers.ids,
    volumes: pruned.names,
    untagged: images.untagged,
    images: images.deleted,
    bytes: containers.bytes + images.freedBytes + pruned.bytes,
  };
}
