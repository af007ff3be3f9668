/** The path by which a node was reached last, for people: names of parents, which others may change at any time. */

import type { Name } from './name.js';

interface NamedNode {
  readonly name: Name;
  readonly parent: NamedNode | undefined;
}

/** @returns without a leading slash; '' is the root. */
export function nodePath(node: NamedNode): Name {
  let path = node.name;
  for (let above = node.parent; above?.parent !== undefined; above = above.parent)
    path = `${above.name}/${path}`;
  return path;
}
