/** How large a container is: found by a walk of its upper, which may take a while. */

import { readLayer } from '../image/layer-record.js';
import type { ContainerRecord } from '../store/container-record.js';
import { measureTree } from '../store/measure-tree.js';
import type { Store } from '../store/store.js';
import { writeUsage } from '../store/usage-record.js';

export interface ContainerSizes {
  /** Bytes of what it has changed. */
  readonly changed: number;
  /** With the layers of its image, each once. */
  readonly whole: number;
}

/** Also recorded, for `system df`. */
export function containerSizes(store: Store, { id, layers }: ContainerRecord): ContainerSizes {
  const home = store.path('containers', id);
  const usage = measureTree(`${home}/upper`);
  writeUsage(home, usage);
  const below = [...new Set(layers)].reduce((sum, hex) => sum + (readLayer(store, hex)?.sizeBytes ?? 0), 0);
  return { changed: usage.bytes, whole: usage.bytes + below };
}
