/**
 * The merged listing of a directory of the union: see vfs/listing.ts for its positions.
 */

import { ENOENT } from '../errno/errno.js';
import { check, isErrno } from '../errno/fs-error.js';
import { DT_CHR, DT_REG, DT_UNKNOWN, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../linux/constants.js';
import { forEachDirent, getdents64 } from '../linux/directory.js';
import { close, openat } from '../linux/open.js';
import { type ListedName, Listing } from '../vfs/listing.js';
import type { Name } from '../vfs/name.js';
import { hiddenName, isReservedName } from './fuse-overlayfs-form.js';
import type { RealDirectory } from './layer.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';
import { whiteoutIn } from './whiteout.js';

const buffer = Buffer.allocUnsafe(256 * 1024);

/** Reads the real directories of the node, topmost first, and merges them. */
export function readListing(state: UnionState, node: UnionNode): Listing {
  const dirs = state.directories(node);
  const entries: ListedName[] = [];
  if (dirs.length === 1) {
    const dir = dirs[0]!;
    readNames(state, dir, (name, ino, type) => {
      if (!mayBeWhiteout(dir, type) || !whiteoutIn(state, dir, name))
        entries.push({ name, ino, type, source: 0 });
    });
    return new Listing(state.readsFuseOverlayfs ? withoutDotWhited(state, entries) : entries);
  }
  const seen = new Set<Name>();
  dirs.forEach((dir, source) => {
    const found: ListedName[] = [];
    readNames(state, dir, (name, ino, type) => {
      if (seen.has(name)) return;
      seen.add(name);
      if (mayBeWhiteout(dir, type) && whiteoutIn(state, dir, name)) return;
      found.push({ name, ino, type, source });
    });
    for (const one of state.readsFuseOverlayfs ? withoutDotWhited(state, found, seen) : found)
      entries.push(one);
  });
  return new Listing(entries);
}

function mayBeWhiteout(dir: RealDirectory, type: number): boolean {
  return type === DT_CHR || type === DT_UNKNOWN || (type === DT_REG && dir.xattrWhiteouts);
}

/** Of what one layer has: less `.wh.NAME` and NAME. @param seen takes in the names that are hidden from here on. */
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
  return found.filter(({ name }) => !hidden.has(name) && !isReservedName(state, name));
}

/**
 * Calls `visit` for each name of a real directory but '.' and '..'; one that was removed under the mount, whatever the
 * rules for layers say, has none. ENOENT would end the listing for glibc, and hide what other layers have.
 */
export function readNames(
  state: UnionState,
  dir: RealDirectory,
  visit: (name: Name, ino: number, type: number) => void,
): void {
  const fd = openDirectory(state, dir);
  if (fd === undefined) return;
  try {
    for (;;) {
      const length = getdents64(fd, buffer);
      if (length === 0 || length === -ENOENT) return;
      check(length, 'readdir', dir.name);
      forEachDirent(buffer, length, (name, ino, type) => {
        if (name !== '.' && name !== '..') visit(name, ino, type);
      });
    }
  } finally {
    close(fd);
  }
}

/** @returns undefined when it was removed. */
function openDirectory(state: UnionState, dir: RealDirectory): number | undefined {
  try {
    const fd = openat(state.descriptor(dir), '.', O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return check(fd, 'opendir', dir.name);
  } catch (error) {
    if (isErrno(error, ENOENT)) return undefined;
    throw error;
  }
}

/** Whether the union shows no name in the directory. */
export function isEmptyDirectory(state: UnionState, node: UnionNode): boolean {
  return readListing(state, node).length === 0;
}
