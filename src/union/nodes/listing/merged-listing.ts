/**
 * The merged listing of a directory of the union: see vfs/listing.ts for its positions.
 */

import { FsError } from '../../../errno/fs-error.js';
import { DT_CHR, DT_REG, DT_UNKNOWN } from '../../../linux/constants.js';
import { type ListedName, Listing } from '../../../vfs/listing.js';
import type { Name } from '../../../vfs/name.js';
import { hiddenName, isReservedName } from '../../form/fuse-overlayfs-form.js';
import type { RealDirectory } from '../../stack/layer.js';
import { whiteoutIn } from '../../stack/probe-name.js';
import { namesInSteps } from '../../stack/read-names.js';
import { directoriesOf, type UnionNode } from '../node.js';
import type { UnionState } from '../union-state.js';
import { Contents } from './contents.js';

/** The names of the node's real directories, topmost first, merged. @throws Wait while that takes longer than a slice. */
export function readListing(state: UnionState, node: UnionNode, contents: Contents): Listing {
  return state.listings.run(state.files.session, contents, () => listInSteps(state, node, contents));
}

function* listInSteps(state: UnionState, node: UnionNode, contents: Contents): Generator<undefined, Listing> {
  const log = contents.startLog();
  try {
    for (;;) {
      const dirs = [...directoriesOf(node)];
      const entries: ListedName[] = [];
      yield* mergeNames(state, dirs, (found) => entries.push(found));
      const listing = yield* Listing.inSteps(entries);
      // A copy-up puts one before the others, by whose places the entries are told apart.
      if (!isSame(dirs, directoriesOf(node))) continue;
      contents.settle(listing, log);
      return listing;
    }
  } finally {
    contents.endLog(log);
  }
}

function isSame(one: readonly RealDirectory[], other: readonly RealDirectory[]): boolean {
  return one.length === other.length && one[0] === other[0];
}

/** Calls `show` for each name that shows. */
function* mergeNames(
  state: UnionState,
  dirs: readonly RealDirectory[],
  show: (entry: ListedName) => void,
): Generator<undefined, void> {
  const seen = dirs.length > 1 ? new Set<Name>() : undefined;
  for (const [source, dir] of dirs.entries()) {
    const found: ListedName[] | undefined = state.stack.xattrs.readsFuseOverlayfs ? [] : undefined;
    const whiteouts = new Set<number>();
    yield* namesInSteps(state.stack, dir, (name, ino, type) => {
      if (seen?.has(name) === true) return;
      seen?.add(name);
      if (mayBeWhiteout(dir, type) && (whiteouts.has(ino) || isListedWhiteout(state, dir, name))) {
        // Links of one device: the others of this directory need no look.
        if (type === DT_CHR) whiteouts.add(ino);
      } else if (found !== undefined) found.push({ name, ino, type, source });
      else show({ name, ino, type, source });
    });
    if (found !== undefined) for (const one of withoutDotWhited(state, found, seen)) show(one);
  }
}

function mayBeWhiteout(dir: RealDirectory, type: number): boolean {
  return type === DT_CHR || type === DT_UNKNOWN || (type === DT_REG && dir.xattrWhiteouts);
}

/** One that cannot be looked at is listed: a lookup of it gets the error. Linux: fs/overlayfs/readdir.c:ovl_check_whiteouts(). */
function isListedWhiteout(state: UnionState, dir: RealDirectory, name: Name): boolean {
  try {
    return whiteoutIn(state.stack, dir, name);
  } catch (error) {
    if (error instanceof FsError) return false;
    throw error;
  }
}

/** What one layer lists, without `.wh.NAME` and NAME. @param seen takes in the names that are hidden from here on. */
function withoutDotWhited(
  state: UnionState,
  found: readonly ListedName[],
  seen = new Set<Name>(),
): ListedName[] {
  const hidden = new Set<Name>();
  for (const { name } of found) {
    const hides = hiddenName(name);
    if (hides === undefined) continue;
    hidden.add(hides);
    seen.add(hides);
  }
  return found.filter(({ name }) => !hidden.has(name) && !isReservedName(state.stack.xattrs, name));
}

/** Whether the union shows no name in the directory. @throws Wait as `readListing()`. */
export function isEmptyDirectory(state: UnionState, node: UnionNode): boolean {
  if (node.contents?.count === 0) return true;
  node.contents ??= new Contents();
  return state.searches.run(state.files.session, node.contents, () => searchInSteps(state, node));
}

function* searchInSteps(state: UnionState, node: UnionNode): Generator<undefined, boolean> {
  let isEmpty = true;
  const shown = (): void => {
    isEmpty = false;
  };
  for (const _ of mergeNames(state, [...directoriesOf(node)], shown)) {
    if (!isEmpty) return false;
    yield;
  }
  return isEmpty;
}
