/**
 * chattr +i and +a of what lies in upper: letters in `protattr`.
 *
 * overlayfs does not set the two flags there, or it could not link and mark it. fs/overlayfs/util.c:ovl_check_protattr()
 * v6.18.
 */

import { ENODATA, EOPNOTSUPP } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { STATX_ATTR_APPEND, STATX_ATTR_IMMUTABLE } from '../../linux/constants.js';
import { getxattrAt, removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import type { Name } from '../../vfs/name.js';
import type { PrivateXattrs } from './overlay-xattrs.js';

export const IMMUTABLE = STATX_ATTR_IMMUTABLE;
export const APPEND_ONLY = STATX_ATTR_APPEND;

const LETTER_APPEND = 0x61;
const LETTER_IMMUTABLE = 0x69;

/** OVL_PROTATTR_MAX. */
const letters = Buffer.alloc(32);

/** Bits of IMMUTABLE and APPEND_ONLY. */
export function readProtection({ protattr }: PrivateXattrs, dirfd: number, name: Name): number {
  const length = getxattrAt(dirfd, name, protattr, letters);
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
  { protattr }: PrivateXattrs,
  { dirfd, name }: { readonly dirfd: number; readonly name: Name },
  protection: number,
): void {
  const text = `${(protection & APPEND_ONLY) === 0 ? '' : 'a'}${(protection & IMMUTABLE) === 0 ? '' : 'i'}`;
  if (text !== '') {
    check(setxattrAt(dirfd, name, protattr, Buffer.from(text, 'latin1'), 0), 'setxattr', 'protattr');
    return;
  }
  const removed = removexattrAt(dirfd, name, protattr);
  if (removed !== -ENODATA && removed !== -EOPNOTSUPP) check(removed, 'removexattr', 'protattr');
}
