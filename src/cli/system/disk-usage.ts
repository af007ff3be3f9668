/**
 * What the store takes on disk, from what is recorded: layers know their size since they were unpacked, volumes and
 * containers since somebody last measured them. Nothing is walked, unless asked for with `measure()`.
 */

import { runningContainers, runningMounts } from '../../daemon/run-directory/store-users.js';
import { listImages } from '../../image/catalog/image-index.js';
import { imageUsers } from '../../image/catalog/image-users.js';
import { readLayer } from '../../image/catalog/layer-record.js';
import { containerHome } from '../../store/container-home.js';
import { layersHeldBy, listContainers } from '../../store/container-record.js';
import { measureTree } from '../../store/measure-tree.js';
import type { Store } from '../../store/store.js';
import { readUsage, type UsageRecord, writeUsage } from '../../store/usage-record.js';
import { describeVolumes } from '../../volume/list-volumes.js';
import { measureVolume } from '../../volume/measure-volume.js';

export interface UsedThing {
  readonly kind: 'image' | 'container' | 'volume';
  readonly id: string;
  /** The name of a volume or container; `NAME:TAG` of an image, or empty. */
  readonly name: string;
  /** Somebody uses it: a container the image, a daemon the container, either the volume. */
  readonly active: boolean;
  /** Undefined: nobody has looked. */
  readonly usage: UsageRecord | undefined;
  /** How many use a volume. */
  readonly users?: number;
  /** What an image has in layers that no other image or container has. */
  readonly uniqueBytes?: number;
  /** What an image has in layers that another image has too. */
  readonly sharedBytes?: number;
}

export interface DiskUsage {
  readonly images: readonly UsedThing[];
  /** What all layers take, each counted once; `reclaimable` are those of images that no container uses. */
  readonly layers: { readonly bytes: number; readonly reclaimableBytes: number };
  readonly containers: readonly UsedThing[];
  readonly volumes: readonly UsedThing[];
}

export function diskUsage(store: Store): DiskUsage {
  const containers = listContainers(store);
  const running = runningContainers(store.root);
  return {
    ...imageUsage(store),
    containers: containers.map(({ id, name }) => ({
      kind: 'container',
      id,
      name,
      active: running.has(id),
      usage: readUsage(store.path(containerHome(id))),
    })),
    volumes: describeVolumes(store, runningMounts(store.root)).map(({ record, users, usage }) => ({
      kind: 'volume',
      id: record.name,
      name: record.name,
      active: users.length > 0,
      users: users.length,
      usage,
    })),
  };
}

function imageUsage(store: Store): Pick<DiskUsage, 'images' | 'layers'> {
  const images = listImages(store);
  const containers = listContainers(store);
  const users = imageUsers(store);
  const held = new Set(containers.flatMap(layersHeldBy));
  const hexes = store.names('layers');
  const sizes = new Map(hexes.map((hex) => [hex, readLayer(store, hex)?.sizeBytes ?? 0]));
  const sum = (some: Iterable<string>): number =>
    [...some].reduce((all, hex) => all + (sizes.get(hex) ?? 0), 0);
  const holders = (hex: string): number => images.filter(({ layers }) => layers.includes(hex)).length;
  return {
    images: images.map(({ id, names, layers, config }) => {
      const own = [...new Set(layers)];
      const bytes = sum(own);
      return {
        kind: 'image',
        id,
        name: names.join(', '),
        active: users.has(id),
        usage: { bytes, files: 0, measuredAt: config.created ?? '' },
        sharedBytes: sum(own.filter((hex) => holders(hex) > 1)),
        uniqueBytes: sum(own.filter((hex) => holders(hex) === 1 && !held.has(hex))),
      };
    }),
    layers: { bytes: sum(hexes), reclaimableBytes: sum(hexes.filter((hex) => !held.has(hex))) },
  };
}

/** Walks what is on this host's disk, and records it. Storage that a volume mounts is left alone: it may be remote. */
export function measure(store: Store): void {
  for (const { id } of listContainers(store)) {
    writeUsage(store.path(containerHome(id)), measureTree(store.path(containerHome(id), 'upper')));
  }
  for (const { record } of describeVolumes(store, [])) measureVolume(store, record);
}
