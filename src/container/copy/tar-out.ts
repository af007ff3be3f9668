/**
 * `cp CONTAINER:PATH -`: an object of a mounted tree, with all below it and what is mounted there, as a tar.
 */

import { TreeReader } from '../../archive/tree/tree-reader.js';
import { check } from '../../errno/fs-error.js';
import { dup } from '../../linux/files/open.js';
import { mirrorViewOf } from '../../mounts/mirror/open-mirror-view.js';
import { Attr } from '../../vfs/attr.js';
import type { Name } from '../../vfs/name.js';
import { ROOT_NODE } from '../../vfs/node-id.js';

interface TarSource {
  /** The directory that holds the object; '' as the name: the directory is the object. Stays the caller's. */
  readonly directoryFd: number;
  readonly name: Name;
  /** What it is called in the tar; '' leaves the directory out and gives what is in it. */
  readonly shownName: Name;
}

export function* tarOf({ directoryFd, name, shownName }: TarSource): Generator<Buffer> {
  const fs = mirrorViewOf(check(dup(directoryFd), 'dup'));
  try {
    const reader = new TreeReader(fs);
    if (name === '') {
      const attr = new Attr();
      fs.getattr(ROOT_NODE, undefined, attr);
      yield* reader.tree(shownName, { id: ROOT_NODE, attr });
    } else {
      const node = reader.lookup(ROOT_NODE, name);
      if (node !== undefined) yield* reader.tree(shownName, node);
    }
    yield* reader.end();
  } finally {
    // A mount that nobody sees is gone when nothing of it is open.
    fs.detach();
  }
}
