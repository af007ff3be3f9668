/**
 * readdir: the merged listing from a position on, with attributes where the kernel asks for them.
 *
 * d_ino equals st_ino: the listing has the numbers of the layers, and what was copied up, or is a directory that lies
 * in upper and in a lower, shows the lower's. Those are looked up; all others are read off.
 */

import { FsError } from '../../../errno/fs-error.js';
import { DT_DIR } from '../../../linux/constants.js';
import { Entry } from '../../../vfs/attr.js';
import type { DirentSink } from '../../../vfs/file-system.js';
import type { Listing } from '../../../vfs/listing.js';
import type { Name } from '../../../vfs/name.js';
import { NO_NODE } from '../../../vfs/node-id.js';
import { Found } from '../found.js';
import { dropImpure, isImpureNode } from '../impure.js';
import { lookupListed } from '../lookup.js';
import { directoriesOf, type UnionNode } from '../node.js';
import type { UnionState } from '../union-state.js';
import { Contents } from './contents.js';
import { readDirectoriesAhead } from './directories-ahead.js';
import { readListing } from './merged-listing.js';

const entry = new Entry();
const nothing = new Entry();
const looked = new Found();

export function readdir(state: UnionState, node: UnionNode, offset: number, sink: DirentSink): void {
  node.contents ??= new Contents();
  const { contents } = node;
  if (offset === 0) state.layerNames.awaitListing(state.files.session, node, directoriesOf(node));
  const startedMs = state.layerNames.begin();
  if (offset === 0 || contents.listing === undefined) {
    contents.listing = readListing(state, node, contents);
    if (node.impure !== false) dropImpure(state, node, contents.listing.names);
  }
  const { listing } = contents;
  if (offset < 1 && !addDot(sink, '.', node.ino, 1)) return;
  if (offset < 2 && !addDot(sink, '..', node.parent?.ino ?? node.ino, 2)) return;
  let index = listing.indexAfter(Math.max(offset, 2));
  if (index >= listing.length) {
    // At its end the list is not needed any more: the kernel caches what it read.
    contents.listing = undefined;
    return;
  }
  const [first, before] = [index, state.nodes.table.nextId];
  for (; index < listing.length; index++) {
    if (listing.isRemoved(index)) continue;
    const name = listing.names[index]!;
    if (!sink.fits(name.length)) break;
    if (sink.plus) addWithEntry(state, node, index, sink);
    else sink.add(name, listedInode(state, node, index), listing.types[index]!, listing.positions[index]!);
  }
  state.layerNames.end(startedMs, index - first, directoriesOf(node));
  readDirectoriesAhead(state, node, before);
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
  const listing = node.contents!.listing!;
  const name = listing.names[index]!;
  const next = listing.positions[index]!;
  const known = knownChild(state, node, index);
  if (known !== undefined) {
    nothing.attr.ino = known.ino;
    sink.addPlus(name, nothing, listing.types[index]!, next);
    return;
  }
  const child = lookedUp(state, node, name, listing.sources[index] ?? 0);
  if (child === undefined) {
    // Gone since the list was made, behind our back, or broken: the name without an entry.
    nothing.attr.ino = listing.inos[index]!;
    sink.addPlus(name, nothing, listing.types[index]!, next);
    return;
  }
  entry.nodeId = child.id;
  entry.generation = 0;
  entry.ttlMs = state.ttlMs;
  state.fillAttr(child, looked.stat, entry.attr);
  child.nlookup++;
  state.nodes.keeper?.noteEntered(child);
  sink.addPlus(name, entry, listing.types[index]!, next);
}

/** The child that the kernel knows by this name: it needs no entry, which would cost a look and a reference. */
function knownChild(state: UnionState, node: UnionNode, index: number): UnionNode | undefined {
  const listing = node.contents!.listing!;
  const { layer } = directoriesOf(node)[listing.sources[index]!]!;
  const child = state.nodes.ofObject(layer, listing.inos[index]!);
  const isKnown =
    child !== undefined &&
    child.nlookup > 0 &&
    child.parent === node &&
    child.name === listing.names[index] &&
    child.successor === undefined &&
    !child.removed;
  return isKnown ? child : undefined;
}

/** Looks a listed name up, with the result in `looked`. One that cannot be (a metacopy without its data, a broken redirect) must not end the listing; a lookup of it gets the error. */
function lookedUp(state: UnionState, node: UnionNode, name: Name, source: number): UnionNode | undefined {
  looked.name = name;
  looked.depth = source;
  try {
    return lookupListed(state, node, looked);
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

function listedInode(state: UnionState, node: UnionNode, index: number): number {
  const listing = node.contents!.listing!;
  const dir = directoriesOf(node)[listing.sources[index]!]!;
  const real = listing.inos[index]!;
  if (dir.layer === state.stack.upper) {
    const known = state.nodes.ofObject(dir.layer, real);
    if (known !== undefined) return known.ino;
    if (needsLookup(state, node, listing, index))
      return lookedUpInode(state, node, listing.names[index]!) ?? real;
  }
  const number = dir.layer.inodeNumber(real);
  const { shownNumbers } = state.nodes;
  if (!shownNumbers.isHeld(number)) return dir.layer.writable ? number : shownNumbers.ofLower(number);
  return lookedUpInode(state, node, listing.names[index]!) ?? number;
}

function needsLookup(state: UnionState, node: UnionNode, listing: Listing, index: number): boolean {
  if (isImpureNode(state, node)) return true;
  return listing.types[index] === DT_DIR && directoriesOf(node).length > 1;
}

function lookedUpInode(state: UnionState, node: UnionNode, name: Name): number | undefined {
  const child = lookedUp(state, node, name, 0);
  if (child === undefined) return undefined;
  const { ino } = child;
  state.release(child);
  return ino;
}

/** An entry that gives the kernel no node. */
nothing.nodeId = NO_NODE;
