/** Files of upper whose names lie partly in a lower: their home is the index, and their link count a difference. */

import { check } from '../../errno/fs-error.js';
import { linkat, unlinkat } from '../../linux/files/directory.js';
import { Statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';
import { readNlinkDelta, tryToWriteNlinkDelta, writeNlinkDelta } from '../form/index-entry.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

const found = new Statx();

/** Fills in how the number of names of the copy differs from its inode's. PRECONDITION: `node.indexName`. */
export function loadNlinkDelta(state: UnionState, node: UnionNode, lowerNlink: number): void {
  const { xattrs } = state.stack;
  const index = state.stack.index!;
  const delta = readNlinkDelta(xattrs, index.fd, node.indexName!);
  if (delta?.of === 'upper') node.nlinkDelta = delta.difference;
  else if (delta !== undefined && state.stack.statName(index, node.indexName!, found))
    node.nlinkDelta = lowerNlink + delta.difference - found.nlink;
}

/** Writes the difference before the names change: a crash between shows a wrong count, never a lost file. */
export function setNlinkDelta(state: UnionState, node: UnionNode, delta: number): void {
  writeNlinkDelta(state.stack.xattrs, state.stack.index!.fd, node.indexName!, delta);
  node.nlinkDelta = delta;
}

/** The names did not change after all. Where it cannot be written, the file shows another count after the next mount. */
export function takeBackNlinkDelta(state: UnionState, node: UnionNode, delta: number): void {
  node.nlinkDelta = delta;
  tryToWriteNlinkDelta(state.stack.xattrs, state.stack.index!.fd, node.indexName!, delta);
}

/** A name that lies in the lower only gets its link in upper, so that it can be renamed. */
export function linkUp(state: UnionState, node: UnionNode, upperFd: number, name: Name): void {
  const { nlinkDelta } = node;
  setNlinkDelta(state, node, nlinkDelta - 1);
  const result = linkat(state.stack.index!.fd, node.indexName!, upperFd, name, 0);
  if (result < 0) takeBackNlinkDelta(state, node, nlinkDelta);
  check(result, 'link', name);
}

/** Takes the index entry away when the union shows no name any more. PRECONDITION: the file has an `orphanFd`, or needs none. */
export function dropIndexEntry(state: UnionState, node: UnionNode): void {
  check(unlinkat(state.stack.index!.fd, node.indexName!, 0), 'unlink', 'index');
  node.indexName = undefined;
}
