/**
 * What chattr +i and +a protect: kept by us in upper (form/protattr.ts); those that an object of a layer has hold as well.
 * Real flags in upper, set on the host, the kernel keeps, but for opens by passthrough: see `protectionForWriting()`.
 */

import { Statx } from '../../linux/files/statx.js';
import { protectionIn } from '../../realfs/protection-flags.js';
import { Place } from '../../realfs/real-object.js';
import { readProtection } from '../form/protattr.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

const at = new Place();
const found = new Statx();

/** Bits of IMMUTABLE and APPEND_ONLY. */
export function protectionOf(state: UnionState, node: UnionNode): number {
  if (node.protection !== undefined) return node.protection;
  state.objects.statNode(node, found);
  let protection = protectionIn(found);
  if (node.layer === state.stack.upper) {
    state.objects.locate(node, at);
    protection |= readProtection(state.stack.xattrs, at.dirfd, at.name);
  }
  node.protection = protection;
  return protection;
}

/** With the flags that the file in upper has now: an open by passthrough asks no flags. */
export function protectionForWriting(state: UnionState, node: UnionNode): number {
  const kept = protectionOf(state, node);
  if (node.layer !== state.stack.upper) return kept;
  state.objects.statNode(node, found);
  return kept | protectionIn(found);
}
