/**
 * What an object in upper was copied from, as it was then: over layers that others go on changing, a later comparison tells
 * whether the original is still the same.
 *
 * Value: decimal numbers with a blank between, in the order of `Base`. A name space of attributes that is private to the
 * union hides it (overlay-xattrs.ts); kernel overlayfs does not read it. What takes no such attribute (a symlink without
 * privilege) has none.
 */

import { EACCES, ENODATA, EOPNOTSUPP, EPERM } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import type { Statx } from '../../linux/files/statx.js';
import { removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import type { Name } from '../../vfs/name.js';
import { readMark } from './marks.js';
import type { PrivateXattrs } from './overlay-xattrs.js';

export interface Base {
  readonly ino: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly ctimeSec: number;
  readonly ctimeNsec: number;
}

const FIELDS = 9;

/** @param stat of the original. */
export function recordBase(xattrs: PrivateXattrs, dirfd: number, name: Name, stat: Statx): void {
  const times = [stat.mtimeSec, stat.mtimeNsec, stat.ctimeSec, stat.ctimeNsec];
  const value = Buffer.from([stat.ino, stat.mode, stat.uid, stat.gid, stat.sizeBytes, ...times].join(' '));
  const result = setxattrAt(dirfd, name, xattrs.base, value, 0);
  if (result !== -EPERM && result !== -EACCES && result !== -EOPNOTSUPP) check(result, 'setxattr', 'base');
}

/** @param value as readMark() has told it before; '' takes the mark away. */
export function restoreBase(xattrs: PrivateXattrs, dirfd: number, name: Name, value: Name): void {
  const result =
    value === ''
      ? removexattrAt(dirfd, name, xattrs.base)
      : setxattrAt(dirfd, name, xattrs.base, Buffer.from(value, 'latin1'), 0);
  if (result !== -ENODATA) check(result, 'setxattr', 'base');
}

/** @returns undefined when there is none, or none of this form. */
export function readBase(xattrs: PrivateXattrs, dirfd: number, name: Name): Base | undefined {
  const numbers = readMark(dirfd, name, xattrs.base).split(' ').map(Number);
  if (numbers.length !== FIELDS || !numbers.every(Number.isSafeInteger)) return undefined;
  const [ino, mode, uid, gid, sizeBytes, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec] = numbers as Numbers;
  return { ino, mode, uid, gid, sizeBytes, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec };
}

type Numbers = [number, number, number, number, number, number, number, number, number];
