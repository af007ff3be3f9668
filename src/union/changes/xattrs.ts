/**
 * Extended attributes of the union: those of the topmost object, without overlayfs's own.
 *
 * What a user names as an attribute of the union's own is stored escaped (overlay-xattrs.ts), so that an overlay can be
 * mounted inside the union. The scratch buffers are the largest that Linux allows, so no size needs asking first.
 */

import { EINVAL, ENODATA, EOPNOTSUPP, EROFS } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { S_ISGID, XATTR_NAME_CAPS } from '../../linux/constants.js';
import { Statx } from '../../linux/files/statx.js';
import { getxattrAt, listxattrAt, removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import { isReadOnlyDisk } from '../../realfs/disk/read-only-disk.js';
import { chmodAt, Place } from '../../realfs/real-object.js';
import { filterXattrList, seesXattr } from '../../realfs/xattr-list.js';
import type { Caller } from '../../vfs/caller.js';
import type { SetxattrOptions } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { copyUp } from '../copy-up/copy-up.js';
import type { UnionNode } from '../nodes/node.js';
import type { UnionState } from '../nodes/union-state.js';

const scratch = Buffer.allocUnsafeSlow(65536);
const at = new Place();
const found = new Statx();

function isAcl(name: Name): boolean {
  return name.startsWith('system.posix_acl_');
}

/** Whether the mount shows the attribute, by what it was asked for at mount (`noxattr`, `noacl`). */
function isOffered({ presentation }: UnionState, name: Name): boolean {
  return presentation.hasXattrs && (presentation.hasAcls || !isAcl(name));
}

function assertOffered(state: UnionState, name: Name): void {
  if (!isOffered(state, name)) throw fsError(EOPNOTSUPP, 'xattr', name);
}

/** @returns a view that is valid until the next call. */
export function getNodeXattr(state: UnionState, node: UnionNode, name: Name): Uint8Array | undefined {
  // Absent: see below.
  if (isAcl(name) && !isOffered(state, name)) return undefined;
  assertOffered(state, name);
  const isCapability = name === XATTR_NAME_CAPS;
  if (isCapability && node.lacksCapability) return undefined;
  state.objects.locate(node, at);
  const length = getxattrAt(at.dirfd, at.name, state.stack.xattrs.stored(name), scratch);
  if (length === -ENODATA) {
    const kept = isCapability ? state.pendingCopies.capability(node) : undefined;
    if (isCapability && kept === undefined) node.lacksCapability = true;
    return kept;
  }
  // A layer without ACLs: the kernel asks on each path walk, and would fail with it (fs/fuse/acl.c:__fuse_get_acl()).
  if (length === -EOPNOTSUPP && isAcl(name)) return undefined;
  return scratch.subarray(0, check(length, 'getxattr', name));
}

/** @returns a view that is valid until the next call. */
export function listNodeXattrs(state: UnionState, node: UnionNode, caller: Caller): Uint8Array {
  if (!state.presentation.hasXattrs) throw fsError(EOPNOTSUPP, 'listxattr', node.name);
  state.objects.locate(node, at);
  let length = check(listxattrAt(at.dirfd, at.name, scratch), 'listxattr', node.name);
  // The copy may have taken it away, or it is restored already.
  if (state.pendingCopies.capability(node) !== undefined && !hasName(length, XATTR_NAME_CAPS))
    length += scratch.write(`${XATTR_NAME_CAPS}\0`, length, 'latin1');
  return filterXattrList(scratch, length, (stored) => {
    const shown = state.stack.xattrs.shown(stored);
    return shown !== undefined && seesXattr(caller, shown) && isOffered(state, shown) ? shown : undefined;
  });
}

/** Whether the list in `scratch` has the name. */
function hasName(length: number, name: Name): boolean {
  return scratch.toString('latin1', 0, length).split('\0').includes(name);
}

export function setNodeXattr(
  state: UnionState,
  node: UnionNode,
  name: Name,
  { value, options }: { value: Uint8Array; options: SetxattrOptions },
): void {
  assertOffered(state, name);
  if (name === state.stack.xattrs.prefix) throw fsError(EINVAL, 'setxattr', name);
  copyUp(state, node);
  state.objects.locate(node, at);
  if (name === XATTR_NAME_CAPS) node.lacksCapability = false;
  check(
    setxattrAt(at.dirfd, at.name, state.stack.xattrs.stored(name), value, options.flags),
    'setxattr',
    name,
  );
  if (name === XATTR_NAME_CAPS && node.openState !== undefined) node.openState.hasCapability = true;
  if (name !== 'system.posix_acl_access') return;
  state.objects.statNode(node, found);
  if (options.killSgid && (found.mode & S_ISGID) !== 0) {
    state.objects.locate(node, at);
    chmodAt(at.dirfd, at.name, found.mode & 0o7777 & ~S_ISGID);
    node.mode &= ~S_ISGID;
  }
}

export function removeNodeXattr(state: UnionState, node: UnionNode, name: Name): void {
  assertOffered(state, name);
  const stored = state.stack.xattrs.stored(name);
  // What a copy has taken away for a while is to be removed too.
  if (state.pendingCopies.before(node) !== undefined) copyUp(state, node);
  state.objects.locate(node, at);
  // Without this, removing what is not there would copy the file up.
  const length = getxattrAt(at.dirfd, at.name, stored, scratch);
  // An ACL that is not there is removed without an error (fs/posix_acl.c:vfs_remove_acl()).
  if (length === -ENODATA && isAcl(name)) return;
  if (length === -ENODATA && isReadOnlyDisk(state.stack.upper!.root.fd))
    throw fsError(EROFS, 'removexattr', name);
  check(length, 'removexattr', name);
  copyUp(state, node);
  state.objects.locate(node, at);
  check(removexattrAt(at.dirfd, at.name, stored), 'removexattr', name);
  if (name === XATTR_NAME_CAPS && node.openState !== undefined) node.openState.hasCapability = false;
}
