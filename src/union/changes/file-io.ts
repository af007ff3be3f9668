/**
 * open in the union: what copy-up adds to opening a real file (realfs/open-files.ts).
 */

import { EISDIR, ESTALE } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { O_ACCMODE, O_RDONLY, O_TRUNC, O_WRONLY } from '../../linux/constants.js';
import type { SyncOptions } from '../../realfs/open-files.js';
import { assertOpens } from '../../realfs/protection-flags.js';
import type { Opened } from '../../vfs/attr.js';
import type { OpenIntent } from '../../vfs/file-system.js';
import { APPEND_ONLY } from '../form/protattr.js';
import type { UnionNode } from '../nodes/node.js';
import { protectionForWriting } from '../nodes/protection.js';
import type { UnionState } from '../nodes/union-state.js';
import { prepareWrite, truncate } from './set-attributes.js';
import { storeSmallFile } from './small-files.js';

/** @throws ESTALE where the kernel must look the name up again: see `prepareWrite`. */
export function open(state: UnionState, node: UnionNode, intent: OpenIntent, out: Opened): void {
  if (node.isDirectory) throw fsError(EISDIR, 'open', node.name);
  const truncates = (intent.flags & O_TRUNC) !== 0;
  const access = intent.flags & O_ACCMODE;
  const writes = access !== O_RDONLY || truncates;
  let appendOnly = ((node.protection ?? 0) & APPEND_ONLY) !== 0;
  if (writes) {
    if (truncates || state.objects.dataIsBelow(node)) state.beginChange('open');
    else state.assertWritable('open');
    const protection = protectionForWriting(state, node);
    assertOpens(protection, intent.flags, node.name);
    appendOnly = (protection & APPEND_ONLY) !== 0;
    prepareWrite(state, node, truncates ? 0 : Number.MAX_SAFE_INTEGER);
    if (truncates) truncate(state, node, 0);
    if (truncates && intent.killPriv) state.owners.killPrivileges(node, state.files.session);
  }
  // Another name of the file may still lead here: the kernel looks it up anew and finds the copy.
  if (node.successorHasNames && !state.secondLookups.isSecond(node, intent.pid))
    throw fsError(ESTALE, 'open', node.name);
  state.files.open(node, { reads: access !== O_WRONLY, writes, appendOnly }, out);
  storeSmallFile(state, node, intent, out);
}

export function release(state: UnionState, node: UnionNode, handle: number): void {
  state.files.release(node, handle);
}

/**
 * What lies in a layer is not synced: nobody changed it. Nor is anything in a volatile union. Linux: fs/overlayfs/file.c:ovl_fsync()
 * v6.18, which tells of an error of the disk even then.
 */
export function syncNode(state: UnionState, node: UnionNode, options: SyncOptions): void {
  if (node.layer !== state.stack.upper || state.volatile) return;
  if (node.data === undefined || !options.dataOnly) state.files.fsync(node, options);
}
