/**
 * Extended attributes of the union: those of the topmost object, without overlayfs's own.
 *
 * What a user names as an attribute of the union's own is stored escaped (format.ts), so that an overlay can be
 * mounted inside the union. The scratch buffers are the largest that Linux allows, so no size needs asking first.
 */

import { EINVAL, ENODATA, EOPNOTSUPP } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { chmodAt } from '../files/real-object.js';
import { filterXattrList, seesXattr } from '../files/xattr-list.js';
import { S_ISGID } from '../linux/constants.js';
import { getxattrAt, listxattrAt, removexattrAt, setxattrAt } from '../linux/xattr.js';
import type { Caller } from '../vfs/caller.js';
import type { SetxattrOptions } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import { copyUp } from './copy-up.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

const scratch = Buffer.allocUnsafeSlow(65536);

function isAcl(name: Name): boolean {
  return name.startsWith('system.posix_acl_');
}

/** @returns a view that is valid until the next call. */
export function getxattr(state: UnionState, node: UnionNode, name: Name): Uint8Array | undefined {
  const fd = state.locate(node);
  const length = getxattrAt(fd, state.locatedName, state.xattrs.stored(name), scratch);
  if (length === -ENODATA) return undefined;
  // A layer without ACLs: the kernel asks on each path walk, and would fail with it (fs/fuse/acl.c:__fuse_get_acl()).
  if (length === -EOPNOTSUPP && isAcl(name)) return undefined;
  return scratch.subarray(0, check(length, 'getxattr', name));
}

/** @returns a view that is valid until the next call. */
export function listxattr(state: UnionState, node: UnionNode, caller: Caller): Uint8Array {
  const fd = state.locate(node);
  const length = check(listxattrAt(fd, state.locatedName, scratch), 'listxattr', node.name);
  return filterXattrList(scratch, length, (stored) => {
    const shown = state.xattrs.shown(stored);
    return shown !== undefined && seesXattr(caller, shown) ? shown : undefined;
  });
}

export function setxattr(
  state: UnionState,
  node: UnionNode,
  name: Name,
  { value, options }: { value: Uint8Array; options: SetxattrOptions },
): void {
  if (name === state.xattrs.prefix) throw fsError(EINVAL, 'setxattr', name);
  copyUp(state, node);
  const fd = state.locate(node);
  check(setxattrAt(fd, state.locatedName, state.xattrs.stored(name), value, options.flags), 'setxattr', name);
  if (name === 'security.capability') node.hasCapability = true;
  if (name !== 'system.posix_acl_access') return;
  state.statNode(node, state.other);
  if (options.killSgid && (state.other.mode & S_ISGID) !== 0) {
    const at = state.locate(node);
    chmodAt(at, state.locatedName, state.other.mode & 0o7777 & ~S_ISGID);
    node.mode &= ~S_ISGID;
  }
}

export function removexattr(state: UnionState, node: UnionNode, name: Name): void {
  const stored = state.xattrs.stored(name);
  const at = state.locate(node);
  // Without this, removing what is not there would copy the file up.
  const length = getxattrAt(at, state.locatedName, stored, scratch);
  // An ACL that is not there is removed without an error (fs/posix_acl.c:vfs_remove_acl()).
  if (length === -ENODATA && isAcl(name)) return;
  check(length, 'removexattr', name);
  copyUp(state, node);
  const fd = state.locate(node);
  check(removexattrAt(fd, state.locatedName, stored), 'removexattr', name);
  if (name === 'security.capability') node.hasCapability = false;
}
