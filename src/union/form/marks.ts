/**
 * Which of overlayfs's private xattrs an object has: one listxattr, which for most objects is empty, instead of a
 * getxattr for each.
 */

import { EIO, EOPNOTSUPP } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { getxattrAt, listxattrAt } from '../../linux/files/xattr.js';
import type { Name } from '../../vfs/name.js';
import { MARK_METACOPY, MARK_OPAQUE, MARK_XWHITEOUTS, type PrivateXattrs } from './overlay-xattrs.js';

const list = Buffer.allocUnsafeSlow(65536);
const value = Buffer.allocUnsafeSlow(8192);

/** @returns MARK_* bits of the object; of opaque MARK_OPAQUE where its value is 'y', MARK_XWHITEOUTS where it is 'x'. */
export function readMarks(xattrs: PrivateXattrs, dirfd: number, name: Name): number {
  const length = listxattrAt(dirfd, name, list);
  if (length === 0 || length === -EOPNOTSUPP) return 0;
  check(length, 'listxattr', name);
  let marks = 0;
  let start = 0;
  while (start < length) {
    const end = list.indexOf(0, start);
    const attribute = list.toString('latin1', start, end);
    const mark = xattrs.marks.get(attribute);
    if (mark === MARK_OPAQUE) marks |= opaqueMark(readMark(dirfd, name, attribute));
    else if (mark !== undefined) marks |= mark;
    start = end + 1;
  }
  return marks;
}

function opaqueMark(text: Name): number {
  return text === 'y' ? MARK_OPAQUE : text === 'x' ? MARK_XWHITEOUTS : 0;
}

/** The value of a private xattr; '' when there is none. */
export function readMark(dirfd: number, name: Name, attribute: Name): Name {
  const length = getxattrAt(dirfd, name, attribute, value);
  return length < 0 ? '' : value.toString('latin1', 0, length);
}

/** struct ovl_metacopy, fs/overlayfs/overlayfs.h v6.18: version 0, length, flags, algorithm of a digest, the digest. */
const METACOPY_BYTES = 4;

/**
 * Whether a regular file of these marks has its metadata only. The digest of its data is not looked at.
 * @throws EIO where the attribute holds anything else.
 */
export function isMetacopy(
  xattrs: PrivateXattrs,
  at: { readonly dirfd: number; readonly name: Name },
  marks: number,
): boolean {
  if ((marks & MARK_METACOPY) === 0) return false;
  const length = check(getxattrAt(at.dirfd, at.name, xattrs.metacopy, value), 'getxattr', at.name);
  if (length > 0 && (length < METACOPY_BYTES || value[0] !== 0 || value[1] !== length))
    throw fsError(EIO, 'metacopy', at.name);
  return true;
}
