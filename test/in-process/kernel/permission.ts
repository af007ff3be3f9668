/**
 * default_permissions: who may do what to an inode, as fs/namei.c:generic_permission(), may_delete() and
 * fs/posix_acl.c:posix_acl_permission() v6.18 have it.
 */

import { EACCES, EISDIR, ENOENT, ENOTDIR, EPERM } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import { S_ISGID, S_ISVTX, S_IXGRP } from '../../../src/linux/constants.js';
import type { Inode } from './inode-cache.js';
import type { Credentials, Kernel } from './kernel.js';

export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

const ACL_ENTRY_BYTES = 8;
const ACL_USER_OBJ = 1;
const ACL_USER = 2;
const ACL_GROUP_OBJ = 4;
const ACL_GROUP = 8;
const ACL_MASK = 16;
const ACL_OTHER = 32;

export function isInGroup(who: Credentials, gid: number): boolean {
  return who.gid === gid || who.groups.includes(gid);
}

/** @throws EACCES */
export function assertMay(kernel: Kernel, who: Credentials, inode: Inode, mask: number): void {
  if (!may(kernel, who, inode, mask)) throw fsError(EACCES, 'permission');
}

export function may(kernel: Kernel, who: Credentials, inode: Inode, mask: number): boolean {
  const { mode, uid, gid } = kernel.cache.attributes(who, inode);
  if (who.uid === 0) return (mask & MAY_EXEC) === 0 || inode.isDirectory || (mode & 0o111) !== 0;
  if (who.uid === uid) return ((mode >> 6) & mask) === mask;
  if ((mode & 0o070) !== 0) {
    const acl = kernel.request(who, (fs) => fs.getxattr(inode.node, 'system.posix_acl_access'));
    if (acl !== undefined) return mayByAcl(acl, who, gid, mask);
  }
  const bits = isInGroup(who, gid) ? mode >> 3 : mode;
  return (bits & mask) === mask;
}

/** The value of the attribute: a version, then tag, permissions and id of each entry. */
function mayByAcl(acl: Uint8Array, who: Credentials, owningGroup: number, mask: number): boolean {
  const view = new DataView(acl.buffer, acl.byteOffset, acl.byteLength);
  let limit = 7;
  let other = 0;
  const groups: number[] = [];
  let named: number | undefined;
  for (let at = 4; at + ACL_ENTRY_BYTES <= acl.length; at += ACL_ENTRY_BYTES) {
    const tag = view.getUint16(at, true);
    const bits = view.getUint16(at + 2, true);
    const id = view.getUint32(at + 4, true);
    if (tag === ACL_USER && id === who.uid) named = bits;
    else if (tag === ACL_GROUP_OBJ && isInGroup(who, owningGroup)) groups.push(bits);
    else if (tag === ACL_GROUP && isInGroup(who, id)) groups.push(bits);
    else if (tag === ACL_MASK) limit = bits;
    else if (tag === ACL_OTHER) other = bits;
    else if (tag === ACL_USER_OBJ) continue;
  }
  if (named !== undefined) return (named & limit & mask) === mask;
  if (groups.length > 0) return groups.some((bits) => (bits & limit & mask) === mask);
  return (other & mask) === mask;
}

/** @throws EPERM unless the caller owns it or is root. */
export function assertOwner(kernel: Kernel, who: Credentials, inode: Inode): void {
  if (who.uid !== 0 && kernel.cache.attributes(who, inode).uid !== who.uid) throw fsError(EPERM, 'owner');
}

/** Before a name is made in the directory. @throws ENOENT, EACCES */
export function assertMayCreate(kernel: Kernel, who: Credentials, directory: Inode): void {
  if (directory.isDead) throw fsError(ENOENT, 'create');
  assertMay(kernel, who, directory, MAY_WRITE | MAY_EXEC);
}

/** Linux: fs/inode.c:mode_strip_sgid(). */
export function newMode(kernel: Kernel, who: Credentials, directory: Inode, mode: number): number {
  const { mode: above, gid } = kernel.cache.attributes(who, directory);
  const inherits = (above & S_ISGID) !== 0 && (mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP);
  return inherits && who.uid !== 0 && !isInGroup(who, gid) ? mode & ~S_ISGID : mode;
}

/** Before a name of the directory goes. @throws ENOENT, EACCES, EPERM, ENOTDIR, EISDIR */
export function assertMayDelete(
  kernel: Kernel,
  who: Credentials,
  { directory, victim }: { readonly directory: Inode; readonly victim: Inode | undefined },
  asDirectory: boolean | undefined,
): Inode {
  if (victim === undefined) throw fsError(ENOENT, 'delete');
  assertMay(kernel, who, directory, MAY_WRITE | MAY_EXEC);
  const { mode, uid } = kernel.cache.attributes(who, directory);
  const owner = kernel.cache.attributes(who, victim).uid;
  const isOther = who.uid !== 0 && who.uid !== uid && who.uid !== owner;
  if ((mode & S_ISVTX) !== 0 && isOther) throw fsError(EPERM, 'sticky');
  if (asDirectory === true && !victim.isDirectory) throw fsError(ENOTDIR, 'delete');
  if (asDirectory === false && victim.isDirectory) throw fsError(EISDIR, 'delete');
  return victim;
}
