/**
 * A snapshot as an OCI archive: the image's layers, and a further one for each state on the way to it, which other tools take.
 */

import { UserError } from '../../errno/user-error.js';
import { commitLayer } from '../../image/add/commit-layer.js';
import { findImage, layerTreePath } from '../../image/catalog/image-index.js';
import { removeImage } from '../../image/catalog/remove-image.js';
import { saveImages } from '../../image/layout/save-image.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { findSnapshot } from './snapshots.js';

interface ExportedSnapshot extends Disposable {
  readonly chunks: AsyncIterable<Buffer>;
  /** What is not in it, with how many entries it was. */
  readonly notices: ReadonlyMap<string, number>;
}

/** What was made for it in the store goes when it is disposed. @throws UserError when the image of the container is gone. */
export async function exportSnapshot(
  store: Store,
  record: ContainerRecord,
  name: string,
): Promise<ExportedSnapshot> {
  const trees = findSnapshot(record, name).layers.map((hex) => nameFromText(layerTreePath(store, hex)));
  const image = findImage(store, record.image.id);
  if (image === undefined) {
    throw new UserError(
      `cannot export snapshot '${name}' of container '${record.name}': its image '${record.image.name}' is gone`,
    );
  }
  const top = trees.at(-1);
  if (top === undefined) {
    const chunks = saveImages(store, [image.id], 'oci-archive');
    return { chunks, notices: new Map(), [Symbol.dispose]: () => undefined };
  }
  const { id, notices } = await commitLayer(store, {
    image,
    upper: top,
    work: `${top}.work`,
    earlier: trees.slice(0, -1),
    config: image.config.config ?? {},
    names: [],
    createdBy: `plyfs snapshot ${name}`,
  });
  return {
    chunks: saveImages(store, [id], 'oci-archive'),
    notices,
    [Symbol.dispose]: () => void removeImage(store, id, { force: true }),
  };
}
