/**
 * The merged listing of a directory of the union: see vfs/listing.ts for its positions.
 */

import { check } from '../errno/fs-error.js';
import { DT_CHR, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../linux/constants.js';
import { forEachDirent, getdents64 } from '../linux/directory.js';
import { close, openat } from '../linux/open.js';
import { type ListedName, Listing } from '../vfs/listing.js';
import type { Name } from '../vfs/name.js';
import { isWhiteout } from './format.js';
import type { RealDirectory } from './layer.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

const buffer = Buffer.allocUnsafe(256 * 1024);

/** Reads the real directories of the node, topmost first, and merges them. */
export function readListing(state: UnionState, node: UnionNode): Listing {
  const dirs = state.directories(node);
  const entries: ListedName[] = [];
  if (dirs.length === 1) {
    readNames(state, dirs[0]!, (name, ino, type) => {
      if (type !== DT_CHR || !whiteoutAt(state, dirs[0]!, name)) entries.push({ name, ino, type, source: 0 });
    });
    return new Listing(entries);
  }
  const seen = new Set<Name>();
  dirs.forEach((dir, source) => {
    readNames(state, dir, (name, ino, type) => {
      if (seen.has(name)) return;
      seen.add(name);
      if (type === DT_CHR && whiteoutAt(state, dir, name)) return;
      entries.push({ name, ino, type, source });
    });
  });
  return new Listing(entries);
}

function whiteoutAt(state: UnionState, dir: RealDirectory, name: Name): boolean {
  return state.statName(dir, name, state.other) && isWhiteout(state.other);
}

/** Calls `visit` for each name of a real directory but '.' and '..'. */
export function readNames(
  state: UnionState,
  dir: RealDirectory,
  visit: (name: Name, ino: number, type: number) => void,
): void {
  const fd = check(
    openat(state.descriptor(dir), '.', O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
    'opendir',
    dir.name,
  );
  try {
    for (;;) {
      const length = check(getdents64(fd, buffer), 'readdir', dir.name);
      if (length === 0) return;
      forEachDirent(buffer, length, (name, ino, type) => {
        if (name !== '.' && name !== '..') visit(name, ino, type);
      });
    }
  } finally {
    close(fd);
  }
}

/** Whether the union shows no name in the directory. */
export function isEmptyDirectory(state: UnionState, node: UnionNode): boolean {
  return readListing(state, node).length === 0;
}
