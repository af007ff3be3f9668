/** The invariants of the union's node table and of what its lookups go by, as tests check them after each operation. */

import { S_IFMT, S_ISGID, S_ISUID } from '../linux/constants.js';
import { checkOpenFile } from '../realfs/check-open-files.js';
import { TELLS_ALL } from '../vfs/node-records.js';
import { foundBits, modeIn } from './nodes/kept/described-node.js';
import type { UnionNode } from './nodes/node.js';
import type { UnionState } from './nodes/union-state.js';

/** @returns a line for each that does not hold. */
export function checkInvariants(state: UnionState): string[] {
  const wrong: string[] = [];
  const nodes = [...state.nodes.table.values()];
  const hanging = countHanging(nodes);
  for (const node of nodes) {
    const hold = (holds: boolean, what: string): void => {
      if (!holds) wrong.push(`${node.path()} (node ${node.id}): ${what}`);
    };
    const count = hanging.get(node) ?? 0;
    hold(node.children === count, `children is ${node.children}, and ${count} nodes hang on it`);
    hold(node.nlookup >= 0, `nlookup is ${node.nlookup}`);
    hold(node.nlookup > 0 || node.children > 0, 'nobody refers to it');
    hold(
      node.parent === undefined || state.nodes.table.find(node.parent.id) === node.parent,
      'its parent is gone',
    );
    hold(
      node.successor === undefined || state.nodes.table.find(node.successor.id) === node.successor,
      'its successor is gone',
    );
    checkDirectories(state, node, hold);
    checkReach(state, node, hold);
    checkRecord(state, node, hold);
    if (!node.isDirectory) wrong.push(...checkOpenFile(node));
  }
  for (const layer of state.stack.layers) {
    for (const [ino, id] of layer.nodes.entries()) {
      const node = state.nodes.table.find(id);
      const isIn = node !== undefined && node.layer === layer && node.realIno === ino;
      if (!isIn) wrong.push(`${layer.path}: inode ${ino} leads to node ${id}, which is not its own`);
    }
  }
  return wrong;
}

type Hold = (holds: boolean, what: string) => void;

/** How many nodes name each as their parent or their successor. */
function countHanging(nodes: readonly UnionNode[]): Map<UnionNode, number> {
  const counts = new Map<UnionNode, number>();
  for (const { parent, successor } of nodes) {
    for (const one of [parent, successor]) if (one !== undefined) counts.set(one, (counts.get(one) ?? 0) + 1);
  }
  return counts;
}

function checkDirectories(state: UnionState, node: UnionNode, hold: Hold): void {
  const { dirs } = node;
  hold(node.isDirectory === (dirs !== undefined), 'directories alone have real directories');
  if (dirs === undefined) return;
  hold(dirs.length > 0, 'it has no real directory');
  hold(dirs[0]?.layer === node.layer, 'its topmost real directory is of another layer than it');
  const indexes = dirs.map(({ layer }) => layer.index);
  hold(
    indexes.every((index, at) => at === 0 || index > indexes[at - 1]!),
    `its real directories are of the layers ${indexes.join(', ')}`,
  );
  const inUpper = dirs.filter(({ layer }) => layer === state.stack.upper).length;
  hold(
    inUpper === (node.layer === state.stack.upper ? 1 : 0),
    `${inUpper} of its real directories lie in upper`,
  );
}

function checkReach(state: UnionState, node: UnionNode, hold: Hold): void {
  hold(node.nextOrphanFd < 0, 'a removal is under way');
  hold(!node.byName || node.parent?.namedChildren?.get(node.name) === node, 'its name leads to another');
  const known = state.nodes.ofObject(node.layer, node.realIno);
  const isFound = node.byName || node.removed || node.successor !== undefined || known === node;
  hold(isFound, 'neither its name nor its inode number leads to it');
  hold(
    node.indexName === undefined || state.stack.index !== undefined,
    'it lies in an index that is not there',
  );
}

/** What a process that takes over makes of the record alone has to be this node. */
function checkRecord(state: UnionState, node: UnionNode, hold: Hold): void {
  const record = state.nodes.keeper?.recordOf(node);
  if (record === undefined) return;
  hold(record.name === node.name && record.parent === (node.parent?.id ?? 0), 'its record has another name');
  if ((record.bits & TELLS_ALL) === 0) return;
  hold(foundBits(node) !== 0, 'its record tells all, and there is more');
  hold(record.layer === node.layer.index && record.ino === node.ino, 'its record has another object');
  hold(state.nodes.ofObject(node.layer, node.realIno) === node, 'its record leads to another node');
  const mode = modeIn(record.bits);
  // A set-id bit that is gone is looked at once more.
  const isKnown = ((mode ^ node.mode) & S_IFMT) === 0 && (node.mode & ~mode & (S_ISUID | S_ISGID)) === 0;
  hold(isKnown, `its record has the mode ${mode.toString(8)}`);
}
