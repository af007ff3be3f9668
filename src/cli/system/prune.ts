/**
 * What `system prune` removes: containers first, since they hold images and volumes.
 */

import { pruneContainers } from '../../container/remove.js';
import { runningContainers, runningMounts } from '../../daemon/store-users.js';
import { pruneImages } from '../../image/remove-image.js';
import { type ContainerRecord, listContainers } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import type { VolumeFilter } from '../../volume/list.js';
import { pruneVolumes } from '../../volume/prune.js';

type Labels = Readonly<Record<string, string>>;

export interface SystemPruneOptions {
  /** Also images with a name. */
  readonly all: boolean;
  /** Undefined: no volumes. */
  readonly volumes: VolumeFilter | undefined;
  readonly labels: (labels: Labels) => boolean;
}

export interface PrunedSystem {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly untagged: readonly string[];
  readonly images: readonly string[];
  readonly bytes: number;
}

/** Those that do not run. */
export function prunableContainers(store: Store, wanted: (labels: Labels) => boolean): ContainerRecord[] {
  const running = runningContainers(store.root);
  return listContainers(store).filter(({ id, labels }) => !running.has(id) && wanted(labels));
}

export async function pruneSystem(
  store: Store,
  { all, volumes, labels }: SystemPruneOptions,
): Promise<PrunedSystem> {
  const idle = new Set(prunableContainers(store, labels).map(({ id }) => id));
  const containers = await pruneContainers(store, ({ id }) => idle.has(id));
  const images = pruneImages(store, { all, keep: ({ config }) => !labels(config.config?.Labels ?? {}) });
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
