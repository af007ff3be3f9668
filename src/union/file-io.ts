/**
 * open in the union: what copy-up adds to opening a real file (files/open-files.ts).
 */

import { EISDIR, ESTALE } from '../errno/errno.js';
import { fsError } from '../errno/fs-error.js';
import { assertOpens } from '../files/inode-flags.js';
import type { SyncWish } from '../files/open-files.js';
import { O_ACCMODE, O_RDONLY, O_TRUNC, O_WRONLY } from '../linux/constants.js';
import { close } from '../linux/open.js';
import type { Opened } from '../vfs/attr.js';
import type { OpenIntent } from '../vfs/file-system.js';
import type { UnionNode } from './node.js';
import { APPEND_ONLY, protectionForWriting } from './protection.js';
import { prepareWrite, truncate } from './set-attributes.js';
import { storeSmallFile } from './small-files.js';
import type { UnionState } from './union-state.js';

/** @throws ESTALE where the kernel must look the name up again: see `prepareWrite`. */
export function open(state: UnionState, node: UnionNode, intent: OpenIntent, out: Opened): void {
  if (node.isDirectory) throw fsError(EISDIR, 'open', node.name);
  const truncates = (intent.flags & O_TRUNC) !== 0;
  const access = intent.flags & O_ACCMODE;
  const writes = access !== O_RDONLY || truncates;
  let appendOnly = ((node.protection ?? 0) & APPEND_ONLY) !== 0;
  if (writes) {
    state.assertWritable('open');
    const protection = protectionForWriting(state, node);
    assertOpens(protection, intent.flags, node.name);
    appendOnly = (protection & APPEND_ONLY) !== 0;
    prepareWrite(state, node, truncates ? 0 : Number.MAX_SAFE_INTEGER);
    if (truncates) truncate(state, node, 0);
    if (truncates && intent.killPriv) state.killPrivileges(node);
  }
  // Another name of the file may still lead here: the kernel looks it up anew and finds the copy.
  if (node.heirHasNames && !state.secondLooks.isSecond(node, intent.pid))
    throw fsError(ESTALE, 'open', node.name);
  dropOutdated(state, node);
  state.files.open(node, { reads: access !== O_WRONLY, writes, appendOnly }, out);
  storeSmallFile(state, node, intent, out);
}

export function release(state: UnionState, node: UnionNode): void {
  state.files.release(node);
  dropOutdated(state, node);
}

/** What lies in a layer is not synced: nobody changed it. Linux: fs/overlayfs/file.c:ovl_fsync() v6.18. */
export function fsync(state: UnionState, node: UnionNode, wish: SyncWish): void {
  if (node.layer !== state.upper) return;
  if (node.data === undefined || !wish.dataOnly) state.files.fsync(node, wish);
}

/** A lower file that nobody reads any more makes room for its copy. */
function dropOutdated(state: UnionState, node: UnionNode): void {
  if (!node.backingOutdated || node.openCount > 0) return;
  state.files.dropBacking(node);
  node.backingOutdated = false;
  close(node.backingFd);
  node.backingFd = -1;
}
