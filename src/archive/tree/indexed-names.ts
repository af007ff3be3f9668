/**
 * Names that upper does not have and that changed all the same: a lower file with several names was written by one of
 * them, and the others lead to its copy through the index.
 *
 * They are found by the inode number that the union shows for all names of the file. The whole union is read for it, so
 * only when the index says that there are such names.
 */

import { DT_DIR } from '../../linux/constants.js';
import type { UnionFileSystem } from '../../union/union-file-system.js';
import type { Name } from '../../vfs/name.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';
import type { TreeReader } from './tree-reader.js';

/** Names; those of directories with what is below. */
export interface NameTree extends Map<Name, NameTree> {}

/** @returns undefined when there are none. */
export function indexedNames(reader: TreeReader, union: UnionFileSystem): NameTree | undefined {
  const inos = union.copiesNamedByLowers();
  if (inos.size === 0) return undefined;
  const found: NameTree = new Map();
  walk(reader, ROOT_NODE, { inos, into: found });
  return found;
}

function walk(
  reader: TreeReader,
  directory: NodeId,
  { inos, into }: { readonly inos: ReadonlySet<number>; readonly into: NameTree },
): void {
  for (const { name, ino, type } of reader.list(directory)) {
    if (type !== DT_DIR) {
      if (inos.has(ino)) into.set(name, new Map());
      continue;
    }
    const child = reader.lookup(directory, name);
    if (child === undefined) continue;
    const below: NameTree = new Map();
    walk(reader, child.id, { inos, into: below });
    if (below.size > 0) into.set(name, below);
    reader.forget(child);
  }
}
