/**
 * lsattr and chattr in the union. Flags are those of the topmost object; +i and +a are kept apart (nodes/protection.ts).
 * Linux: fs/overlayfs/inode.c:ovl_fileattr_set() v6.18.
 */

import { ENOTTY } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import {
  FS_APPEND_FL,
  FS_IMMUTABLE_FL,
  FS_IOC_FSGETXATTR,
  FS_IOC_FSSETXATTR,
  FS_XFLAG_APPEND,
  FS_XFLAG_IMMUTABLE,
} from '../../linux/constants.js';
import { setsFlags } from '../../linux/files/inode-flags.js';
import { hasInodeFlags, requestFlags } from '../../realfs/protection-flags.js';
import { Place } from '../../realfs/real-object.js';
import type { FlagsRequest } from '../../vfs/file-system.js';
import { copyUp } from '../copy-up/copy-up.js';
import { APPEND_ONLY, IMMUTABLE, writeProtection } from '../form/protattr.js';
import type { UnionNode } from '../nodes/node.js';
import { protectionOf } from '../nodes/protection.js';
import type { UnionState } from '../nodes/union-state.js';

const at = new Place();

/** Carries out the request on the topmost object. */
export function requestNodeFlags(state: UnionState, node: UnionNode, request: FlagsRequest): void {
  if (!hasInodeFlags(node.mode)) throw fsError(ENOTTY, 'ioctl', node.name);
  const isExtended = request.command === FS_IOC_FSGETXATTR || request.command === FS_IOC_FSSETXATTR;
  const append = isExtended ? FS_XFLAG_APPEND : FS_APPEND_FL;
  const immutable = isExtended ? FS_XFLAG_IMMUTABLE : FS_IMMUTABLE_FL;
  const { words } = request;
  if (!setsFlags(request.command)) {
    const protection = protectionOf(state, node);
    state.objects.locate(node, at);
    requestFlags(at.dirfd, at.name, request);
    if ((protection & APPEND_ONLY) !== 0) words[0]! |= append;
    if ((protection & IMMUTABLE) !== 0) words[0]! |= immutable;
    return;
  }
  copyUp(state, node);
  const wanted = words[0]!;
  const protection =
    ((wanted & append) === 0 ? 0 : APPEND_ONLY) | ((wanted & immutable) === 0 ? 0 : IMMUTABLE);
  words[0] = wanted & ~(append | immutable);
  state.objects.locate(node, at);
  // First: what the host has made immutable takes no attribute until it is so no more.
  requestFlags(at.dirfd, at.name, request);
  if (protection !== 0 || protectionOf(state, node) !== 0)
    writeProtection(state.stack.xattrs, at, protection);
  node.protection = protection;
}
