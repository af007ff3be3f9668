/**
 * Population at create: an empty volume gets what the image has in its place, with the directory's mode and owner.
 *
 * The image is mounted only when there is something to copy. Remote storage that hangs is found out before it is touched
 * here.
 */

import { rmdirSync } from 'node:fs';
import { layerTreePath } from '../../image/catalog/image-index.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { mayNeedFilling } from '../../volume/populate.js';
import { realHome } from '../record/real-root.js';

interface Filling {
  readonly volume: string;
  /** Where in the image; free of symlinks. */
  readonly path: string;
  readonly limitMs: number | undefined;
}

/** @returns what the storage of a volume refused (a chown), a line each. */
export async function fillVolumes(store: Store, record: ContainerRecord): Promise<string[]> {
  const fillings = await fillingsOf(store, record);
  if (fillings.length === 0) return [];
  const { configOf } = await import('../tree/container-mount-config.js');
  const { mountDetached } = await import('../tree/detached-mount.js');
  const { useVolume } = await import('../../volume/use.js');
  const { populateVolume } = await import('../../volume/populate.js');
  // Not at the container's own mount point: it may be running.
  const place = `${realHome(store, record.id)}/image`;
  makeDirectories(place, 0o700);
  const config = { ...configOf(store, record, { imageOnly: true }), mountpoint: nameFromText(place) };
  await using image = await mountDetached(config);
  rmdirSync(place);
  const warnings: string[] = [];
  for (const { volume, path, limitMs } of fillings) {
    // Mounted from here on.
    using _use = await useVolume(store, volume, { what: `cannot fill volume '${volume}'`, limitMs });
    const filling = { image: record.image.id, imageName: record.image.name, path };
    const outcome = populateVolume({ store, name: volume, fromDirectory: `${image.path}${path}`, filling });
    warnings.push(...(outcome?.warnings ?? []).map((warning) => `volume '${volume}': ${warning}`));
  }
  return warnings;
}

async function fillingsOf(store: Store, record: ContainerRecord): Promise<Filling[]> {
  const wanted = record.mounts.flatMap(({ request }) => {
    const isFilled = request.type === 'volume' && !request.noCopy && request.subpath === undefined;
    return isFilled && request.source !== undefined && mayNeedFilling(store, request.source)
      ? [{ volume: request.source, path: request.target, limitMs: request.timeoutMs }]
      : [];
  });
  if (wanted.length === 0 || record.layers.length === 0) return [];
  const { ImageTree } = await import('../tree/image-tree.js');
  using tree = new ImageTree(record.layers.map((hex) => layerTreePath(store, hex)));
  return wanted
    .map(({ path, ...filling }) => ({ ...filling, ...tree.resolve(path) }))
    .filter(({ type }) => type === 'directory');
}
