/**
 * What fuse-overlayfs writes where it cannot make overlayfs's form, for `-o compat=fuse-overlayfs`.
 *
 * `.wh.NAME`, of whatever type, hides NAME in its own layer and below; `.wh..wh..opq` in a directory, or the attribute
 * `user.fuseoverlayfs.opaque` (or opaque in either name space of overlayfs), makes it opaque. Names that begin with
 * `.wh.` are then not to be seen nor made (EINVAL). Tried with fuse-overlayfs 1.10, and read in its main.c:
 * create_whiteout(), is_directory_opaque(), do_lookup_file().
 *
 * plyfs writes its own form: see whiteout.ts:replaceDotWhiteout().
 */

import { EINVAL } from '../errno/errno.js';
import { fsError } from '../errno/fs-error.js';
import { Statx } from '../linux/statx.js';
import type { Name } from '../vfs/name.js';
import type { RealDirectory } from './layer.js';
import type { UnionState } from './union-state.js';

const PREFIX = '.wh.';
const OPAQUE_FILE = '.wh..wh..opq';
const NAME_MAX = 255;

const scratch = new Statx();

/** Whether the name stands for something of fuse-overlayfs's own. */
export function isReservedName(state: UnionState, name: Name): boolean {
  return state.readsFuseOverlayfs && name.startsWith(PREFIX);
}

/** @throws EINVAL for a name that would be a whiteout. */
export function assertNameable(state: UnionState, name: Name): void {
  if (isReservedName(state, name)) throw fsError(EINVAL, 'create', name);
}

export function dotWhiteout(name: Name): Name {
  return PREFIX + name;
}

export function isDotWhited(state: UnionState, dir: RealDirectory, name: Name): boolean {
  return PREFIX.length + name.length <= NAME_MAX && state.statName(dir, PREFIX + name, scratch);
}

/** The name that an entry of a listing hides; undefined for an entry that hides none. */
export function hiddenName(entry: Name): Name | undefined {
  return entry.startsWith(PREFIX) && entry !== OPAQUE_FILE ? entry.slice(PREFIX.length) : undefined;
}

export function hasOpaqueFile(state: UnionState, dir: RealDirectory): boolean {
  return state.readsFuseOverlayfs && state.statName(dir, OPAQUE_FILE, scratch);
}
