/**
 * readdir: the merged listing from a position on, with attributes where the kernel asks for them.
 *
 * d_ino equals st_ino: the listing has the numbers of the layers, and what was copied up, or is a directory that lies
 * in upper and in a lower, shows the lower's. Those are looked up; all others are read off.
 */

import { EIO } from '../errno/errno.js';
import { isErrno } from '../errno/fs-error.js';
import { DT_DIR } from '../linux/constants.js';
import { Entry, TTL_FOREVER } from '../vfs/attr.js';
import type { DirentSink } from '../vfs/file-system.js';
import type { Listing } from '../vfs/listing.js';
import type { Name } from '../vfs/name.js';
import { NO_NODE } from '../vfs/node-id.js';
import { readListing } from './listing.js';
import { lookupNode } from './lookup.js';
import type { UnionNode } from './node.js';
import { dropImpure, isImpureNode } from './origin.js';
import type { UnionState } from './union-state.js';

const entry = new Entry();
const nothing = new Entry();

export function readdir(state: UnionState, node: UnionNode, offset: number, sink: DirentSink): void {
  if (offset === 0 || node.listing === undefined) {
    node.listing = readListing(state, node);
    if (node.impure !== false) dropImpure(state, node, node.listing.names);
  }
  const listing = node.listing;
  if (offset < 1 && !addDot(sink, '.', node.ino, 1)) return;
  if (offset < 2 && !addDot(sink, '..', node.parent?.ino ?? node.ino, 2)) return;
  let index = listing.indexAfter(Math.max(offset, 2));
  if (index >= listing.length) {
    // At its end the list is not needed any more: the kernel caches what it read.
    node.listing = undefined;
    return;
  }
  for (; index < listing.length; index++) {
    if (listing.isRemoved(index)) continue;
    const name = listing.names[index]!;
    if (!sink.fits(name.length)) return;
    if (sink.plus) addWithEntry(state, node, index, sink);
    else sink.add(name, listedInode(state, node, index), listing.types[index]!, listing.positions[index]!);
  }
}

/** @returns false when the buffer is full. */
function addDot(sink: DirentSink, name: Name, ino: number, next: number): boolean {
  if (!sink.fits(name.length)) return false;
  if (sink.plus) {
    nothing.attr.ino = ino;
    sink.addPlus(name, nothing, DT_DIR, next);
  } else sink.add(name, ino, DT_DIR, next);
  return true;
}

function addWithEntry(state: UnionState, node: UnionNode, index: number, sink: DirentSink): void {
  const listing = node.listing!;
  const name = listing.names[index]!;
  const next = listing.positions[index]!;
  const child = lookedUp(state, node, name, listing.sources[index]);
  if (child === undefined) {
    // Gone since the list was made, behind our back, or broken: the name without an entry.
    nothing.attr.ino = listing.inos[index]!;
    sink.addPlus(name, nothing, listing.types[index]!, next);
    return;
  }
  entry.nodeId = child.id;
  entry.generation = 0;
  entry.ttlMs = TTL_FOREVER;
  state.fillAttr(child, state.stat, entry.attr);
  child.nlookup++;
  sink.addPlus(name, entry, listing.types[index]!, next);
}

/** One that cannot be looked up (a metacopy without its data) must not end the listing; who looks it up gets the error. */
function lookedUp(state: UnionState, node: UnionNode, name: Name, source?: number): UnionNode | undefined {
  try {
    return lookupNode(state, node, name, source);
  } catch (error) {
    if (isErrno(error, EIO)) return undefined;
    throw error;
  }
}

function listedInode(state: UnionState, node: UnionNode, index: number): number {
  const listing = node.listing!;
  const dir = state.directories(node)[listing.sources[index]!]!;
  const real = listing.inos[index]!;
  if (dir.layer === state.upper) {
    const known = dir.layer.nodes.get(real);
    if (known !== undefined) return known.ino;
    if (needsLookup(state, node, listing, index))
      return lookedUpInode(state, node, listing.names[index]!) ?? real;
  }
  return dir.layer.inodeNumber(real);
}

function needsLookup(state: UnionState, node: UnionNode, listing: Listing, index: number): boolean {
  if (isImpureNode(state, node)) return true;
  return listing.types[index] === DT_DIR && state.directories(node).length > 1;
}

function lookedUpInode(state: UnionState, node: UnionNode, name: Name): number | undefined {
  const child = lookedUp(state, node, name);
  if (child === undefined) return undefined;
  const { ino } = child;
  state.release(child);
  return ino;
}

/** An entry that gives the kernel no node. */
nothing.nodeId = NO_NODE;
