/** Compares the trees of both sides, times that the clock set being the same time, but for what the table allows. */

import { isDeepStrictEqual } from 'node:util';
import { diffTrees } from '../helpers/diff-trees.js';
import type { Tree, TreeNode } from '../helpers/operations/tree-operations.js';
import type { AllowedDifference } from './allowed.js';
import { normalTime } from './kind.js';

/** @returns a line for each difference; `onAllowed` is told of those that the table has. */
export function compareTrees(
  overlayfs: Tree,
  other: Tree,
  allowed: readonly AllowedDifference[] = [],
  onAllowed: (reason: string) => void = () => undefined,
): string[] {
  const wanted = normalTree(overlayfs);
  const found = normalTree(other);
  if (isDeepStrictEqual(wanted, found)) return [];
  for (const [path, node] of Object.entries(wanted)) {
    const have = found[path];
    if (have === undefined || isDeepStrictEqual(node, have)) continue;
    const entry = allowed.find(({ matchesNodes }) => matchesNodes?.(overlayfs[path]!, other[path]!) === true);
    if (entry === undefined) continue;
    onAllowed(entry.reason);
    found[path] = node;
  }
  return diffTrees(wanted, found);
}

/** Data that passes a fifo moves its time on ext4 and not on overlayfs. */
function normalTree(tree: Tree): Record<string, TreeNode> {
  const entries = Object.entries(tree).map(([path, node]) => {
    const mtimeNs = node.type === 'fifo' ? 0n : normalTime(node.mtimeNs) === 'now' ? -1n : node.mtimeNs;
    return [path, { ...node, mtimeNs }] as const;
  });
  return Object.fromEntries(entries);
}
