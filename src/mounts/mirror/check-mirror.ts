/** The invariants of a mirror's node table, as tests check them after each operation. */

import { checkOpenFile } from '../../realfs/check-open-files.js';
import type { MirrorNode, MirrorTable } from './mirror-node.js';

/** @returns a line for each that does not hold. */
export function checkMirror(table: MirrorTable): string[] {
  const wrong: string[] = [];
  const nodes = [...table.values()];
  const hanging = new Map<MirrorNode, number>();
  for (const { parent } of nodes)
    if (parent !== undefined) hanging.set(parent, (hanging.get(parent) ?? 0) + 1);
  for (const node of nodes) {
    const hold = (holds: boolean, what: string): void => {
      if (!holds) wrong.push(`${node.name} (node ${node.id}): ${what}`);
    };
    const count = hanging.get(node) ?? 0;
    hold(node.children === count, `children is ${node.children}, and ${count} nodes hang on it`);
    hold(node.nlookup > 0 || node.children > 0, 'nobody refers to it');
    hold(node.parent === undefined || nodes.includes(node.parent), 'its parent is gone');
    hold(node.removed || table.find(node.key) !== undefined, 'its object leads to no node');
    hold(!node.pinned || node.fd >= 0, 'a descriptor is pinned that is not open');
    hold(node.openCount === 0 || node.pinned, 'it is open, and its descriptor may be closed');
    wrong.push(...checkOpenFile(node));
  }
  return wrong;
}
