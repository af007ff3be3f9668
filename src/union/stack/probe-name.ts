/** What a name of one layer says: nothing, an object, or a whiteout in one of its forms (form/whiteout.ts). */

import { Statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';
import { hasOpaqueFile, isDotWhited } from '../form/fuse-overlayfs-form.js';
import { isEmptyFile, isWhiteoutObject } from '../form/whiteout.js';
import type { RealDirectory } from './layer.js';
import type { LayerStack } from './layer-stack.js';

/** What `look` finds. */
export const ABSENT = 0;
export const FOUND = 1;
export const WHITEOUT = 2;
type Finding = typeof ABSENT | typeof FOUND | typeof WHITEOUT;

const found = new Statx();

/** Looks for a name in a real directory; `out` then holds its statx, unless it is absent. */
export function look(stack: LayerStack, dir: RealDirectory, name: Name, out: Statx): Finding {
  if (stack.xattrs.readsFuseOverlayfs && isDotWhited(stack.descriptor(dir), name)) return WHITEOUT;
  if (!stack.statName(dir, name, out)) return ABSENT;
  return isWhiteout(stack, dir, name, out) ? WHITEOUT : FOUND;
}

/** Whether the object of this statx is a whiteout. */
export function isWhiteout(stack: LayerStack, dir: RealDirectory, name: Name, stat: Statx): boolean {
  // What is a node of the union is none: spares the question for empty files in use.
  if (isEmptyFile(stat) && stat.dev === dir.layer.dev && dir.layer.nodes.has(stat.ino)) return false;
  return isWhiteoutObject(stack.descriptor(dir), name, stat, stack.xattrs);
}

/** Whether a name of a real directory is a whiteout that hides those below, for a change of upper there. */
export function whiteoutIn(stack: LayerStack, dir: RealDirectory, name: Name): boolean {
  return stack.statName(dir, name, found) && isWhiteout(stack, dir, name, found);
}

/** Whether fuse-overlayfs has made the directory opaque by a file in it. */
export function isOpaqueByFile(stack: LayerStack, dir: RealDirectory): boolean {
  return stack.xattrs.readsFuseOverlayfs && hasOpaqueFile(stack.descriptor(dir));
}
