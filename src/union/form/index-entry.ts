/**
 * Entries of the index: the link counts of files of a lower that have several names there.
 *
 * `index` in the workdir holds, under the hexadecimal form of the lower file's origin record, a link to its copy in
 * upper; a name that still lies in the lower finds the copy there. The `nlink` xattr of the copy says how many names
 * the union shows: 'U' and a signed number beyond those that its inode has, or 'L' and one beyond those of the lower file.
 * Linux: fs/overlayfs/namei.c:ovl_get_index_name(), util.c:ovl_nlink_start() v6.18.
 */

import { check } from '../../errno/fs-error.js';
import { setxattrAt } from '../../linux/files/xattr.js';
import type { Name } from '../../vfs/name.js';
import { readMark } from './marks.js';
import type { PrivateXattrs } from './overlay-xattrs.js';

/** How many names there are beyond those of an inode. */
interface NlinkDelta {
  readonly of: 'upper' | 'lower';
  readonly difference: number;
}

/** @returns undefined when there is none in a form that overlayfs writes. */
export function readNlinkDelta(xattrs: PrivateXattrs, dirfd: number, name: Name): NlinkDelta | undefined {
  const text = readMark(dirfd, name, xattrs.nlink);
  const difference = Number.parseInt(text.slice(1), 10);
  if (Number.isNaN(difference) || !(text.startsWith('U') || text.startsWith('L'))) return undefined;
  return { of: text.startsWith('U') ? 'upper' : 'lower', difference };
}

/** Writes the difference to the names of the inode in upper. */
export function writeNlinkDelta(xattrs: PrivateXattrs, dirfd: number, name: Name, difference: number): void {
  check(tryToWriteNlinkDelta(xattrs, dirfd, name, difference), 'setxattr', 'nlink');
}

/** The same. @returns 0, or a negated errno. */
export function tryToWriteNlinkDelta(
  xattrs: PrivateXattrs,
  dirfd: number,
  name: Name,
  difference: number,
): number {
  const value = Buffer.from(`U${difference < 0 ? '' : '+'}${difference}`);
  return setxattrAt(dirfd, name, xattrs.nlink, value, 0);
}
