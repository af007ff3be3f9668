/**
 * Layers of the store that have been uppers of containers: `layers/HEX/`, as those of images, with an id that is no chainID.
 * They belong to nobody but the records that name them (layersHeldBy()).
 */

import { join } from 'node:path';
import { LAYER_FILE } from '../../image/catalog/layer-record.js';
import { layersHeldBy, listContainers } from '../../store/container-record.js';
import type { IntentStep } from '../../store/intent.js';
import { type FileLock, tryLockFile } from '../../store/lock.js';
import type { Store } from '../../store/store.js';

/** Steps that remove layers, and the locks that keep mounts from taking them up meanwhile. */
export interface LayerRemoval extends Disposable {
  readonly steps: readonly IntentStep[];
}

/**
 * The layers, of those given, that no container but `gone` needs, nor a mount.
 * PRECONDITION: the store is locked.
 */
export function removalOfLayers(
  store: Store,
  layers: readonly string[],
  isGone: (id: string) => boolean = () => false,
): LayerRemoval {
  const others = layers.length === 0 ? [] : listContainers(store).filter(({ id }) => !isGone(id));
  const needed = new Set(others.flatMap(layersHeldBy));
  return removalOfUnneeded(
    store,
    [...new Set(layers)].filter((hex) => !needed.has(hex)),
  );
}

/** The removal of layers that no record names and no mount has. PRECONDITION: the store is locked. */
export function removalOfUnneeded(store: Store, layers: readonly string[]): LayerRemoval {
  const held: FileLock[] = [];
  const steps = layers.flatMap((hex): IntentStep[] => {
    const lock = tryLockFile(store.path('layers', hex, LAYER_FILE));
    if (lock === undefined) return [];
    held.push(lock);
    return [{ do: 'remove', path: join('layers', hex) }];
  });
  return {
    steps,
    [Symbol.dispose]: () => {
      for (const lock of held) lock[Symbol.dispose]();
    },
  };
}
