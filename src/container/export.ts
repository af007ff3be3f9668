/** `export`: the merged tree as a tar, read from layers and upper without a mount. Mounts over it are not in it. */

import { layerTreePath } from '../image/image-index.js';
import { type TreeTar, tarOfTree } from '../image/tree/tar-tree.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { flushContainer } from './flush-container.js';
import { ImageTree } from './image-tree.js';
import { realRoot } from './real-root.js';

export interface Exported extends TreeTar, Disposable {}

/** A running container may change meanwhile; a file that becomes shorter while it is read is an error. */
export function exportContainer(store: Store, record: ContainerRecord): Exported {
  flushContainer(store, record);
  const layers = record.layers.map((hex) => layerTreePath(store, hex));
  const tree = new ImageTree(layers, `${realRoot(store)}/containers/${record.id}`);
  return { ...tarOfTree(tree.fs), [Symbol.dispose]: () => tree[Symbol.dispose]() };
}
