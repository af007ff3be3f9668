/** How large a container is: found by a walk of its upper, which may take a while. */

import { layerTreePath } from '../../image/catalog/image-index.js';
import { readLayer } from '../../image/catalog/layer-record.js';
import { containerHome } from '../../store/container-home.js';
import { type ContainerRecord, imageLayersOf, ownLayersOf } from '../../store/container-record.js';
import { measureTree } from '../../store/measure-tree.js';
import type { Store } from '../../store/store.js';
import { writeUsage } from '../../store/usage-record.js';
import { readyOwnDisk } from './own-disk.js';

export interface ContainerSizes {
  /** Bytes of what it has changed. */
  readonly changed: number;
  /** With the layers of its image, each once. */
  readonly whole: number;
}

/** Also recorded, for `system df`. */
export function containerSizes(store: Store, record: ContainerRecord): ContainerSizes {
  readyOwnDisk(store, record);
  const { id } = record;
  const home = store.path(containerHome(id));
  const usage = measureTree(`${home}/upper`);
  writeUsage(home, usage);
  const image = [...new Set(imageLayersOf(record))];
  const below = image.reduce((sum, hex) => sum + (readLayer(store, hex)?.sizeBytes ?? 0), 0);
  const own = ownLayersOf(record).map((hex) => measureTree(layerTreePath(store, hex)).bytes);
  const changed = own.reduce((sum, bytes) => sum + bytes, usage.bytes);
  return { changed, whole: changed + below };
}
