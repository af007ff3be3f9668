/** Extended attributes of a mirrored object. ACLs name owners, which a map would have to rewrite: with one there are none. */

import { ENODATA, EOPNOTSUPP } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { S_ISGID, XATTR_NAME_CAPS } from '../../linux/constants.js';
import { getxattrAt, listxattrAt, removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import { chmodAt } from '../../realfs/real-object.js';
import { filterXattrList, seesXattr } from '../../realfs/xattr-list.js';
import type { Caller } from '../../vfs/caller.js';
import type { SetxattrOptions } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import type { MirrorFileSystem } from './mirror-file-system.js';
import type { MirrorNode } from './mirror-node.js';

const scratch = Buffer.allocUnsafeSlow(65536);

/** @returns undefined where there is none; the next call overwrites what it gave. */
export function getMirrorXattr(
  mirror: MirrorFileSystem,
  node: MirrorNode,
  name: Name,
): Uint8Array | undefined {
  // Absent, not EOPNOTSUPP: the kernel asks on each path walk, and would fail with it (fs/fuse/acl.c:__fuse_get_acl).
  if (mirror.mapsOwners && isAcl(name)) return undefined;
  const result = getxattrAt(mirror.table.descriptor(node), '', name, scratch);
  if (result === -EOPNOTSUPP && isAcl(name)) return undefined;
  return result === -ENODATA ? undefined : scratch.subarray(0, check(result, 'getxattr', name));
}

export function listMirrorXattrs(mirror: MirrorFileSystem, node: MirrorNode, caller: Caller): Uint8Array {
  const length = check(listxattrAt(mirror.table.descriptor(node), '', scratch), 'listxattr');
  return filterXattrList(scratch, length, (name) => (seesXattr(caller, name) ? name : undefined));
}

export function setMirrorXattr(
  mirror: MirrorFileSystem,
  node: MirrorNode,
  name: Name,
  { value, flags, killSgid }: SetxattrOptions & { readonly value: Uint8Array },
): void {
  assertStorable(mirror, name);
  const fd = mirror.table.descriptor(node);
  check(setxattrAt(fd, '', name, value, flags), 'setxattr', name);
  if (name === XATTR_NAME_CAPS && node.openState !== undefined) node.openState.hasCapability = undefined;
  if (!killSgid) return;
  mirror.statNode(node);
  const mode = node.mode & 0o7777 & ~S_ISGID;
  if (mode !== (node.mode & 0o7777)) mirror.asSelf(() => chmodAt(fd, '', mode));
}

export function removeMirrorXattr(mirror: MirrorFileSystem, node: MirrorNode, name: Name): void {
  assertStorable(mirror, name);
  check(removexattrAt(mirror.table.descriptor(node), '', name), 'removexattr', name);
}

function assertStorable(mirror: MirrorFileSystem, name: Name): void {
  if (mirror.mapsOwners && isAcl(name)) throw fsError(EOPNOTSUPP, 'xattr', name);
}

function isAcl(name: Name): boolean {
  return name.startsWith('system.posix_acl_');
}
