/**
 * `cp CONTAINER:PATH -`: an object of a mounted tree, with all below it and what is mounted there, as a tar.
 */

import { CallerIds } from '../../files/caller-ids.js';
import { DescriptorCache } from '../../files/descriptor-cache.js';
import { TreeReader } from '../../image/tree/tree-reader.js';
import { MirrorFileSystem } from '../../mounts/mirror-file-system.js';
import { Attr } from '../../vfs/attr.js';
import { InodeNumbers } from '../../vfs/inode-numbers.js';
import type { Name } from '../../vfs/name.js';
import { ROOT_NODE } from '../../vfs/node-id.js';

const DESCRIPTOR_LIMIT = 64;

export interface TarSource {
  /** The directory that holds the object; '' as the name: the directory is the object. Stays the caller's. */
  readonly directoryFd: number;
  readonly name: Name;
  /** What it is called in the tar; '' leaves the directory out and gives what is in it. */
  readonly shownName: Name;
}

export function* tarOf({ directoryFd, name, shownName }: TarSource): Generator<Buffer> {
  const fs = new MirrorFileSystem({
    rootFd: directoryFd,
    readOnly: true,
    owners: undefined,
    ttlMs: 0,
    quota: undefined,
    onDetach: () => undefined,
    callerIds: new CallerIds(false),
    inodeNumbers: new InodeNumbers(),
    descriptors: new DescriptorCache(DESCRIPTOR_LIMIT),
  });
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
}
