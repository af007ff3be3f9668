/**
 * chattr +i and +a: what may not be changed, or be added to alone.
 *
 * overlayfs does not set the two on what lies in upper, or it could not link and mark it; they are letters in `protattr`
 * and are kept by us. fs/overlayfs/util.c:ovl_check_protattr() v6.18. Those that an object of a layer has hold as well.
 * Real flags in upper, set on the host, the kernel keeps, but for opens by passthrough: see `protectionForWriting()`.
 */

import { ENODATA, EOPNOTSUPP, EPERM } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { protectionIn } from '../files/inode-flags.js';
import { STATX_ATTR_APPEND, STATX_ATTR_IMMUTABLE } from '../linux/constants.js';
import { getxattrAt, removexattrAt, setxattrAt } from '../linux/xattr.js';
import type { AttrChange } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

export const IMMUTABLE = STATX_ATTR_IMMUTABLE;
export const APPEND_ONLY = STATX_ATTR_APPEND;
const EITHER = IMMUTABLE | APPEND_ONLY;

const LETTER_APPEND = 0x61;
const LETTER_IMMUTABLE = 0x69;

/** OVL_PROTATTR_MAX. */
const letters = Buffer.alloc(32);

/** Bits of IMMUTABLE and APPEND_ONLY. */
export function protectionOf(state: UnionState, node: UnionNode): number {
  if (node.protection !== undefined) return node.protection;
  state.statNode(node, state.other);
  let protection = protectionIn(state.other);
  if (node.layer === state.upper) {
    const fd = state.locate(node);
    protection |= readProtection(fd, state.locatedName, state.xattrs.protattr);
  }
  node.protection = protection;
  return protection;
}

function readProtection(dirfd: number, name: Name, attribute: Name): number {
  const length = getxattrAt(dirfd, name, attribute, letters);
  let protection = 0;
  for (let index = 0; index < length; index++) {
    if (letters[index] === LETTER_APPEND) protection |= APPEND_ONLY;
    else if (letters[index] === LETTER_IMMUTABLE) protection |= IMMUTABLE;
    // As overlayfs: a letter of later versions makes the rest unreadable, and the whole void.
    else return 0;
  }
  return protection;
}

/** Records the protection of an object in upper. */
export function writeProtection(
  state: UnionState,
  { dirfd, name }: { readonly dirfd: number; readonly name: Name },
  protection: number,
): void {
  const { protattr } = state.xattrs;
  const text = `${(protection & APPEND_ONLY) === 0 ? '' : 'a'}${(protection & IMMUTABLE) === 0 ? '' : 'i'}`;
  if (text !== '') {
    check(setxattrAt(dirfd, name, protattr, Buffer.from(text, 'latin1'), 0), 'setxattr', 'protattr');
    return;
  }
  const removed = removexattrAt(dirfd, name, protattr);
  if (removed !== -ENODATA && removed !== -EOPNOTSUPP) check(removed, 'removexattr', 'protattr');
}

/** With the flags that the file in upper has now: an open by passthrough asks no flags. */
export function protectionForWriting(state: UnionState, node: UnionNode): number {
  const kept = protectionOf(state, node);
  if (node.layer !== state.upper) return kept;
  state.statNode(node, state.other);
  return kept | protectionIn(state.other);
}

/** @throws EPERM where a directory takes no new names. */
export function assertMayCreate(state: UnionState, directory: UnionNode, op: string): void {
  if ((protectionOf(state, directory) & IMMUTABLE) !== 0) throw fsError(EPERM, op, directory.name);
}

/** @throws EPERM where a name may not leave its directory. Linux: fs/namei.c:may_delete(). */
export function assertMayDelete(
  state: UnionState,
  directory: UnionNode,
  node: UnionNode | undefined,
  op: string,
): void {
  if (node === undefined) {
    assertMayCreate(state, directory, op);
    return;
  }
  if (((protectionOf(state, directory) | protectionOf(state, node)) & EITHER) !== 0)
    throw fsError(EPERM, op, node.name);
}

/** @throws EPERM where attributes and links may not be changed. */
export function assertMayChange(state: UnionState, node: UnionNode, op: string): void {
  if ((protectionOf(state, node) & EITHER) !== 0) throw fsError(EPERM, op, node.name);
}

/** @throws EPERM; setting both times to now is allowed on what can be appended to. Linux: fs/attr.c:may_setattr(). */
export function assertMaySet(state: UnionState, node: UnionNode, change: AttrChange): void {
  const isTouch =
    change.atimeSec === 'now' &&
    change.mtimeSec === 'now' &&
    change.sizeBytes === undefined &&
    change.mode === undefined &&
    change.uid === undefined &&
    change.gid === undefined;
  const forbidding = isTouch ? IMMUTABLE : EITHER;
  if ((protectionOf(state, node) & forbidding) !== 0) throw fsError(EPERM, 'setattr', node.name);
}
