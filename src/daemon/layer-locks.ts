/**
 * Layers of the store that a mount uses are not removed under it: a shared flock(2) on their record, for the daemon's
 * life. Who removes layers takes it exclusively first (image/remove-image.ts).
 */

import { fstatSync, openSync, statSync } from 'node:fs';
import { LOCK_SH } from '../linux/constants.js';
import { flock } from '../linux/data.js';
import type { Name } from '../vfs/name.js';
import type { MountConfig } from './mount-config.js';
import { quote, refusal } from './refusal.js';

const TREE = '/tree';
const RECORD = '/layer.json';

/**
 * The descriptors stay open until the process ends.
 * @throws UserError when a layer was removed meanwhile.
 */
export function holdLayers(config: MountConfig): void {
  const layers = [...config.layers, ...config.mounts.flatMap(({ imageLayers }) => imageLayers ?? [])];
  for (const layer of new Set(layers)) {
    if (layer.endsWith(TREE)) holdLayer(config, layer);
  }
}

function holdLayer(config: MountConfig, layer: Name): void {
  const record = Buffer.from(layer.slice(0, -TREE.length) + RECORD, 'latin1');
  // A directory of that name that is none of a store.
  if (statSync(record, { throwIfNoEntry: false })?.isFile() !== true) return;
  const fd = openSync(record, 'r');
  flock(fd, LOCK_SH);
  const now = statSync(record, { throwIfNoEntry: false });
  if (now?.ino !== fstatSync(fd).ino) throw refusal(config, `layer ${quote(layer)} was removed meanwhile`);
}
