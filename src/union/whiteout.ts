/**
 * What a name of one layer says: nothing, an object, or a whiteout in one of its forms.
 *
 * A whiteout is a character device 0:0, or an empty regular file with the `whiteout` attribute (Documentation/
 * filesystems/overlayfs.rst v6.18). Readers of a directory look for the second form only where it is marked with
 * opaque `x`; lookup always does, as fs/overlayfs/util.c:ovl_path_is_whiteout(). Overlayfs itself never writes it; plyfs
 * does, and heeds it in upper too, where the file system under upper refuses the device: on another plyfs or overlayfs.
 * With `compat=fuse-overlayfs` there is a third, `.wh.NAME` beside the name: fuse-overlayfs-form.ts.
 */

import { check } from '../errno/fs-error.js';
import { RENAME_EXCHANGE, S_IFMT, S_IFREG } from '../linux/constants.js';
import { renameat2, unlinkat } from '../linux/directory.js';
import type { Statx } from '../linux/statx.js';
import { getxattrAt, setxattrAt } from '../linux/xattr.js';
import type { Name } from '../vfs/name.js';
import { isDeviceWhiteout, type PrivateXattrs } from './format.js';
import { dotWhiteout, isDotWhited } from './fuse-overlayfs-form.js';
import type { RealDirectory } from './layer.js';
import type { UnionState } from './union-state.js';

/** What `look` finds. */
export const ABSENT = 0;
export const FOUND = 1;
export const WHITEOUT = 2;
export type Finding = typeof ABSENT | typeof FOUND | typeof WHITEOUT;

const nothing = new Uint8Array(0);

/** Looks for a name in a real directory; `out` then holds its statx, unless it is absent. */
export function look(state: UnionState, dir: RealDirectory, name: Name, out: Statx): Finding {
  if (state.readsFuseOverlayfs && isDotWhited(state, dir, name)) return WHITEOUT;
  if (!state.statName(dir, name, out)) return ABSENT;
  return isWhiteout(state, dir, name, out) ? WHITEOUT : FOUND;
}

/** Whether the object of this statx is a whiteout. */
export function isWhiteout(state: UnionState, dir: RealDirectory, name: Name, stat: Statx): boolean {
  // What is a node of the union is none: spares the question for empty files in use.
  if (isEmptyFile(stat) && stat.dev === dir.layer.dev && dir.layer.nodes.has(stat.ino)) return false;
  return isWhiteoutObject(state.descriptor(dir), name, stat, state.xattrs);
}

/** The same of any directory. */
export function isWhiteoutObject(dirfd: number, name: Name, stat: Statx, xattrs: PrivateXattrs): boolean {
  if (isDeviceWhiteout(stat)) return true;
  return isEmptyFile(stat) && getxattrAt(dirfd, name, xattrs.whiteout, nothing) >= 0;
}

function isEmptyFile(stat: Statx): boolean {
  return stat.sizeBytes === 0 && (stat.mode & S_IFMT) === S_IFREG;
}

/** Whether a name of a real directory is a whiteout that hides those below, for a change of upper there. */
export function whiteoutIn(state: UnionState, dir: RealDirectory, name: Name): boolean {
  return state.statName(dir, name, state.other) && isWhiteout(state, dir, name, state.other);
}

/** Makes a whiteout at a name of upper that must be free. @returns 0, or a negated errno. */
export function linkWhiteout(state: UnionState, upper: RealDirectory, name: Name): number {
  const work = state.work!;
  work.prepareWhiteout();
  if (work.xattrWhiteouts) markXattrWhiteouts(state, upper);
  return work.linkWhiteout(state.descriptor(upper), name);
}

/** A whiteout in the work directory, to be renamed into a directory of upper. */
export function temporaryWhiteout(state: UnionState, upper: RealDirectory): Name {
  const work = state.work!;
  const name = work.temporaryWhiteout();
  if (work.xattrWhiteouts) markXattrWhiteouts(state, upper);
  return name;
}

const XWHITEOUTS = Buffer.from('x');

/** Before a whiteout of the second form comes into a directory of upper; an opaque one needs none and stays as it is. */
export function markXattrWhiteouts(state: UnionState, upper: RealDirectory): void {
  if (upper.xattrWhiteouts) return;
  const fd = state.descriptor(upper);
  const { opaque } = state.xattrs;
  if (getxattrAt(fd, '', opaque, nothing) < 0)
    check(setxattrAt(fd, '', opaque, XWHITEOUTS, 0), 'setxattr', opaque);
  upper.xattrWhiteouts = true;
}

/**
 * Before a change of upper at this name: a whiteout of overlayfs instead of `.wh.NAME`, and of what that hides. At each
 * moment one of the two hides what lies below.
 */
export function replaceDotWhiteout(state: UnionState, upper: RealDirectory, name: Name): void {
  if (!state.readsFuseOverlayfs || !isDotWhited(state, upper, name)) return;
  if (!state.statName(upper, name, state.other)) {
    check(linkWhiteout(state, upper, name), 'whiteout', name);
  } else if (!isWhiteout(state, upper, name, state.other)) {
    const whiteout = temporaryWhiteout(state, upper);
    const result = renameat2(state.work!.fd, whiteout, state.descriptor(upper), name, RENAME_EXCHANGE);
    state.work!.remove(whiteout);
    check(result, 'whiteout', name);
  }
  check(unlinkat(state.descriptor(upper), dotWhiteout(name), 0), 'whiteout', name);
}
