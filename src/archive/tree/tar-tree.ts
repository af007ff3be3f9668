/**
 * Whole trees as tars: what `container export` and `volume export` write.
 */

import { Attr } from '../../vfs/attr.js';
import type { FileSystem } from '../../vfs/file-system.js';
import { ROOT_NODE } from '../../vfs/node-id.js';
import { TreeReader } from './tree-reader.js';

export interface TreeTar {
  readonly chunks: Iterable<Buffer>;
  /** What was left out, complete when the chunks are read. */
  readonly notices: ReadonlyMap<string, number>;
}

/** All of a file system, its root as `./`. The file system stays the caller's. */
export function tarOfTree(fs: FileSystem): TreeTar {
  const reader = new TreeReader(fs);
  return { chunks: wholeTree(reader), notices: reader.notices };
}

function* wholeTree(reader: TreeReader): Generator<Buffer> {
  const attr = new Attr();
  reader.fs.getattr(ROOT_NODE, undefined, attr);
  yield* reader.tree('', { id: ROOT_NODE, attr });
  yield* reader.end();
}
