/**
 * Layers of the store that a mount uses are not removed under it: a shared flock(2) on their record, for the daemon's
 * life. Who removes layers takes it exclusively first (image/catalog/remove-image.ts).
 */

import { fstatSync, openSync, statSync } from 'node:fs';
import { LOCK_SH } from '../../linux/constants.js';
import { flock } from '../../linux/files/data.js';
import type { Name } from '../../vfs/name.js';
import type { MountConfig } from '../config/mount-config.js';
import { quote, refusal } from '../config/refusal.js';

const TREE = '/tree';
const RECORD = '/layer.json';

/**
 * @returns descriptors, which are to stay open while the mount is served.
 * @throws UserError when a layer was removed meanwhile.
 */
export function holdLayers(
  config: Pick<MountConfig, 'mountpoint' | 'layers' | 'dataLayers' | 'mounts'>,
): number[] {
  const ofMounts = config.mounts.flatMap(({ imageLayers }) => imageLayers ?? []);
  const layers = [...config.layers, ...(config.dataLayers ?? []), ...ofMounts];
  return [...new Set(layers)]
    .filter((layer) => layer.endsWith(TREE))
    .flatMap((layer) => holdLayer(config, layer) ?? []);
}

function holdLayer(config: Pick<MountConfig, 'mountpoint'>, layer: Name): number | undefined {
  const record = Buffer.from(layer.slice(0, -TREE.length) + RECORD, 'latin1');
  // A directory of that name that is none of a store.
  if (statSync(record, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const fd = openSync(record, 'r');
  flock(fd, LOCK_SH);
  const now = statSync(record, { throwIfNoEntry: false });
  if (now?.ino !== fstatSync(fd).ino) throw refusal(config, `layer ${quote(layer)} was removed meanwhile`);
  return fd;
}
