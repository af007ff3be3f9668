/**
 * Population at create: an empty volume gets what the image has in its place, with the directory's mode and owner.
 *
 * The image is mounted only when there is something to copy. Far storage that hangs is found out before it is touched
 * here.
 */

import { mkdirSync, rmdirSync } from 'node:fs';
import { layerTreePath } from '../image/image-index.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { nameFromText } from '../vfs/name.js';
import { assertAnswers } from '../volume/far-volume.js';
import { mayNeedFilling, populateVolume } from '../volume/populate.js';
import { useVolume } from '../volume/use.js';
import { mountDetached } from './detached-mount.js';
import { ImageTree } from './image-tree.js';
import { configOf } from './mount-config.js';
import { realRoot } from './real-root.js';

export interface Filling {
  readonly volume: string;
  /** Where in the image; free of symlinks. */
  readonly path: string;
  readonly limitMs: number | undefined;
}

/** @returns what the storage of a volume refused (a chown), a line each. */
export async function fillVolumes(store: Store, record: ContainerRecord): Promise<string[]> {
  const fillings = fillingsOf(store, record);
  if (fillings.length === 0) return [];
  // Not at the container's own mount point: it may be running.
  const place = `${realRoot(store)}/containers/${record.id}/image`;
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const config = { ...configOf(store, record, { imageOnly: true }), mountpoint: nameFromText(place) };
  await using image = await mountDetached(config);
  rmdirSync(place);
  const warnings: string[] = [];
  for (const { volume, path, limitMs } of fillings) {
    // Mounted from here on.
    using _use = useVolume(store, volume);
    await assertAnswers(store, volume, { what: `cannot fill volume '${volume}'`, limitMs });
    const outcome = populateVolume({ store, name: volume, fromDirectory: `${image.path}${path}` });
    warnings.push(...(outcome?.warnings ?? []).map((warning) => `volume '${volume}': ${warning}`));
  }
  return warnings;
}

function fillingsOf(store: Store, record: ContainerRecord): Filling[] {
  const wanted = record.mounts.flatMap(({ request }) => {
    const isFilled = request.type === 'volume' && !request.noCopy && request.subpath === undefined;
    return isFilled && request.source !== undefined && mayNeedFilling(store, request.source)
      ? [{ volume: request.source, path: request.target, limitMs: request.timeoutMs }]
      : [];
  });
  if (wanted.length === 0 || record.layers.length === 0) return [];
  using tree = new ImageTree(record.layers.map((hex) => layerTreePath(store, hex)));
  return wanted
    .map(({ path, ...filling }) => ({ ...filling, ...tree.resolve(path) }))
    .filter(({ type }) => type === 'directory');
}
