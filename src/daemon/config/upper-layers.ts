/** Layers that an upper brings along: what it was when snapshots were taken of its mount (store/uppers/upper-snapshots.ts). */

import {
  mayHaveSnapshots,
  ownLayerPaths,
  readUpperSnapshots,
  SNAPSHOT_FOLDERS,
  snapshotsRoot,
} from '../../store/uppers/upper-snapshots.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import type { MountConfig } from './mount-config.js';
import { quote, refusal } from './refusal.js';

/** The mount with them on top of its own. What a dead command has left half-done is done first. @throws UserError */
export async function withUpperLayers(config: MountConfig): Promise<MountConfig> {
  const { upper } = config;
  if (upper === undefined || !mayHaveSnapshots(upper)) return config;
  const { Store } = await import('../../store/store.js');
  new Store(snapshotsRoot(upper), undefined, SNAPSHOT_FOLDERS).mend();
  return { ...config, layers: [...config.layers, ...layersWith(upper)] };
}

/** PRECONDITION: upper is locked. @throws UserError when a snapshot was taken, or restored, since the mount was planned. */
export function checkUpperLayers(config: MountConfig): void {
  const { upper, layers } = config;
  if (upper === undefined) return;
  const own = layersWith(upper);
  if (own.length === 0 || layers.slice(-own.length).join('\0') === own.join('\0')) return;
  throw refusal(config, `upper ${quote(upper)} lies on other layers by now`, 'mount it again');
}

function layersWith(upper: Name): Name[] {
  return ownLayerPaths(upper, readUpperSnapshots(upper)?.layers ?? []).map(nameFromText);
}
