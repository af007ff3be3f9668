/**
 * Copies the extended attributes of an object, ACLs and capabilities among them, but overlayfs's private ones;
 * a user's own of such a name is stored escaped, and is copied so.
 * Linux: fs/overlayfs/copy_up.c:ovl_copy_xattr() v6.18.
 */

import { ENODATA, EOPNOTSUPP, EPERM } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { getxattrAt, listxattrAt, setxattrAt } from '../linux/xattr.js';
import type { Name } from '../vfs/name.js';
import type { PrivateXattrs } from './format.js';

/** An object by a directory descriptor and a name; '' for the descriptor's own. */
export interface Place {
  readonly dirfd: number;
  readonly name: Name;
}

/** The largest list and the largest value that Linux has (XATTR_LIST_MAX, XATTR_SIZE_MAX). */
const list = Buffer.allocUnsafeSlow(65536);
const value = Buffer.allocUnsafeSlow(65536);

/** All but what is the union's own; what a user's overlay keeps there is escaped and comes along. */
export function copyXattrs(source: Place, target: Place, own: PrivateXattrs): void {
  const listLength = listxattrAt(source.dirfd, source.name, list);
  if (listLength === -EOPNOTSUPP || listLength === 0) return;
  check(listLength, 'listxattr', source.name);
  let start = 0;
  while (start < listLength) {
    const end = list.indexOf(0, start);
    const attribute = list.toString('latin1', start, end);
    start = end + 1;
    if (own.isPrivate(attribute)) continue;
    const length = getxattrAt(source.dirfd, source.name, attribute, value);
    if (length === -ENODATA) continue;
    check(length, 'getxattr', attribute);
    const result = setxattrAt(target.dirfd, target.name, attribute, value.subarray(0, length), 0);
    // DEVIATION: without privileges an attribute that the user may not set (a capability) is not copied.
    if (result === -EPERM && process.geteuid?.() !== 0) continue;
    check(result, 'setxattr', attribute);
  }
}
