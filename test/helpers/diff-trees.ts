/** Compares two trees as `readTree` gives them, and prints what differs, one line a property. */

import { inspect } from 'node:util';
import type { Tree, TreeNode } from './operations/tree-operations.js';

interface DiffOptions {
  /** Properties that need not agree. */
  readonly except?: readonly (keyof TreeNode)[];
}

/** @returns one line for each difference; empty when the trees are equal. */
export function diffTrees(expected: Tree, actual: Tree, options: DiffOptions = {}): string[] {
  const lines: string[] = [];
  const paths = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort();
  for (const path of paths) {
    const want = expected[path];
    const have = actual[path];
    const shown = JSON.stringify(path === '' ? '.' : path);
    if (want === undefined) lines.push(`${shown}: unexpected ${have?.type}`);
    else if (have === undefined) lines.push(`${shown}: missing ${want.type}`);
    else lines.push(...diffNodes(want, have, options).map((line) => `${shown}: ${line}`));
  }
  return lines;
}

function diffNodes(want: TreeNode, have: TreeNode, options: DiffOptions): string[] {
  const keys = new Set([...Object.keys(want), ...Object.keys(have)] as (keyof TreeNode)[]);
  for (const key of options.except ?? []) keys.delete(key);
  const lines: string[] = [];
  for (const key of keys) {
    const left = format(key, want[key]);
    const right = format(key, have[key]);
    if (left !== right) lines.push(`${key} is ${right}, expected ${left}`);
  }
  return lines;
}

function format(key: keyof TreeNode, value: unknown): string {
  if (key === 'mode' && typeof value === 'number') return `0${value.toString(8)}`;
  return inspect(value, { breakLength: Infinity, sorted: true });
}

/** One line a node, for a failure's report. */
export function describeTree(tree: Tree): string {
  return Object.entries(tree)
    .map(([path, node]) => {
      const extra = [node.target, node.rdev, node.linkedTo && `= ${node.linkedTo}`].filter(Boolean).join(' ');
      const xattrs = node.xattrs === undefined ? '' : ` ${inspect(node.xattrs, { breakLength: Infinity })}`;
      const size = node.size === undefined ? '' : ` ${node.size}B`;
      return `  ${path === '' ? '.' : path} ${node.type} 0${node.mode.toString(8)} ${node.uid}:${node.gid}${size} ${extra}${xattrs}`;
    })
    .join('\n');
}
