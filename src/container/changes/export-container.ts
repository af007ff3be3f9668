/** `export`: the merged tree as a tar, read from layers and upper without a mount. Mounts over it are not in it. */

import { type TreeTar, tarOfTree } from '../../archive/tree/tar-tree.js';
import { layerTreePath } from '../../image/catalog/image-index.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { noteContainer } from '../record/note-container.js';
import { realHome } from '../record/real-root.js';
import { flushContainer } from '../tree/flush-container.js';
import { ImageTree } from '../tree/image-tree.js';
import { readyOwnDisk } from '../tree/own-disk.js';

interface Exported extends TreeTar, Disposable {}

/** A running container may change meanwhile; a file that becomes shorter while it is read is an error. */
export function exportContainer(store: Store, record: ContainerRecord): Exported {
  const tree = openContainerTree(store, record);
  noteContainer(store, record, 'export');
  return { ...tarOfTree(tree.fs), [Symbol.dispose]: () => tree[Symbol.dispose]() };
}

/** The merged tree, for reading; without what a running container has not written to its disk yet. */
export function openContainerTree(store: Store, record: ContainerRecord): ImageTree {
  readyOwnDisk(store, record);
  flushContainer(store, record);
  const layers = record.layers.map((hex) => layerTreePath(store, hex));
  return new ImageTree(layers, realHome(store, record.id));
}
