/**
 * Before an upper becomes a layer: a file of the layers below with several names, written to by one of them, is reached by the others
 * through the index, which belongs to an upper. Each name gets its link. Only where the index tells of such names is the tree
 * walked for them.
 */

import type { UnionFileSystem } from '../../union/union-file-system.js';
import { Entry } from '../../vfs/attr.js';
import { type NodeId, ROOT_NODE } from '../../vfs/node-id.js';
import { indexedNames, type NameTree } from './indexed-names.js';
import { TreeReader } from './tree-reader.js';

/** @throws FsError */
export function linkCopies(union: UnionFileSystem): void {
  const names = indexedNames(new TreeReader(union), union);
  if (names !== undefined) linkBelow(union, ROOT_NODE, names);
}

function linkBelow(union: UnionFileSystem, directory: NodeId, names: NameTree): void {
  const entry = new Entry();
  for (const [name, below] of names) {
    if (!union.lookup(directory, name, entry)) continue;
    const id = entry.nodeId;
    if (below.size > 0) linkBelow(union, id, below);
    else union.linkCopy(directory, name);
    union.forget(id, 1);
  }
}
