/** Whiteouts of upper: made where a name goes that a layer below has. */

import { check } from '../../errno/fs-error.js';
import { RENAME_EXCHANGE } from '../../linux/constants.js';
import { renameat2, unlinkat } from '../../linux/files/directory.js';
import { Statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';
import { dotWhiteout, isDotWhited } from '../form/fuse-overlayfs-form.js';
import { markXattrWhiteouts } from '../form/whiteout.js';
import type { RealDirectory } from './layer.js';
import type { LayerStack } from './layer-stack.js';
import { isWhiteout } from './probe-name.js';

const found = new Statx();

/** Makes a whiteout at a name of upper that must be free. @returns 0, or a negated errno. */
export function linkWhiteout(stack: LayerStack, upper: RealDirectory, name: Name): number {
  const work = stack.work!;
  work.prepareWhiteout();
  if (work.xattrWhiteouts) announceXattrWhiteouts(stack, upper);
  return work.linkWhiteout(stack.descriptor(upper), name);
}

/** A whiteout in the work directory, to be renamed into a directory of upper. */
export function temporaryWhiteout(stack: LayerStack, upper: RealDirectory): Name {
  const work = stack.work!;
  const name = work.temporaryWhiteout();
  if (work.xattrWhiteouts) announceXattrWhiteouts(stack, upper);
  return name;
}

/** Before a whiteout of the second form comes into a directory of upper. */
export function announceXattrWhiteouts(stack: LayerStack, upper: RealDirectory): void {
  if (upper.xattrWhiteouts) return;
  markXattrWhiteouts(stack.descriptor(upper), stack.xattrs);
  upper.xattrWhiteouts = true;
}

/**
 * Before a change of upper at this name: a whiteout of overlayfs instead of `.wh.NAME`, and of what that hides. At each
 * moment one of the two hides what lies below.
 */
export function replaceDotWhiteout(stack: LayerStack, upper: RealDirectory, name: Name): void {
  if (!stack.xattrs.readsFuseOverlayfs || !isDotWhited(stack.descriptor(upper), name)) return;
  if (!stack.statName(upper, name, found)) {
    check(linkWhiteout(stack, upper, name), 'whiteout', name);
  } else if (!isWhiteout(stack, upper, name, found)) {
    const whiteout = temporaryWhiteout(stack, upper);
    const result = renameat2(stack.work!.fd, whiteout, stack.descriptor(upper), name, RENAME_EXCHANGE);
    stack.work!.remove(whiteout);
    check(result, 'whiteout', name);
  }
  check(unlinkat(stack.descriptor(upper), dotWhiteout(name), 0), 'whiteout', name);
}
