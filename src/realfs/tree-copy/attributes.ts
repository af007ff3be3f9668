/**
 * Owner, extended attributes, mode and times of a copy, in the order that loses nothing: a change of owner clears set-id bits
 * and capabilities, so it comes first; an ACL changes the mode, which comes after it; everything changes the times.
 */

import { ENODATA, EOPNOTSUPP } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, S_IFLNK } from '../../linux/constants.js';
import { fchmod, fchmodat, fchownat, Times, utimensat } from '../../linux/files/inode.js';
import { getxattrAt, listxattrAt, setxattrAt } from '../../linux/files/xattr.js';
import { displayName } from '../../vfs/name.js';
import type { Place } from '../real-object.js';
import type { CopyPolicy, Refusal, XattrPolicy } from './policy.js';

/** What a new object gets, wherever it comes from. */
export interface Attributes {
  readonly type: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  /** Undefined: that of modification. */
  readonly atime?: { readonly sec: number; readonly nsec: number } | undefined;
}

const PERMISSIONS = 0o7777;
/** The largest list and the largest value that Linux has (XATTR_LIST_MAX, XATTR_SIZE_MAX). */
const list = Buffer.allocUnsafeSlow(65536);
const value = Buffer.allocUnsafeSlow(65536);
const times = new Times();

/** Copies all attributes but those that the policy leaves out; ACLs and capabilities are among them. */
export function copyXattrs(
  source: Readonly<Place>,
  target: Readonly<Place>,
  policy: XattrPolicy,
  shown = source.name,
): void {
  const listLength = listxattrAt(source.dirfd, source.name, list);
  if (listLength === -EOPNOTSUPP || listLength === 0) return;
  check(listLength, 'listxattr', shown);
  let start = 0;
  while (start < listLength) {
    const end = list.indexOf(0, start);
    const attribute = list.toString('latin1', start, end);
    start = end + 1;
    if (policy.leavesOut(attribute)) continue;
    const length = getxattrAt(source.dirfd, source.name, attribute, value);
    if (length === -ENODATA) continue;
    check(length, 'getxattr', attribute);
    const result = setxattrAt(target.dirfd, target.name, attribute, value.subarray(0, length), 0);
    if (result < 0) settleRefusal(policy, { call: 'setxattr', result, path: shown, attribute });
  }
}

/** Gives the target owner, mode and times. @param source where its extended attributes are; undefined: nowhere. */
export function setAttributes(
  target: Readonly<Place>,
  attributes: Attributes,
  policy: CopyPolicy,
  {
    source,
    shown = displayName(target.name),
  }: { readonly source?: Readonly<Place>; readonly shown?: string } = {},
): void {
  const { dirfd, name } = target;
  const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  const settle = (call: Refusal['call'], result: number): void => {
    if (result < 0) settleRefusal(policy, { call, result, path: shown });
  };
  const owner = policy.owners === 'keep' ? attributes : policy.owners;
  if (owner !== undefined) settle('chown', fchownat(dirfd, name, owner.uid, owner.gid, flags));
  if (source !== undefined && policy.xattrs === 'all') copyXattrs(source, target, policy, shown);
  if (attributes.type !== S_IFLNK) {
    const { mode: given, type } = attributes;
    const mode = (policy.mode?.(given, type) ?? given) & PERMISSIONS;
    settle('chmod', name === '' ? fchmod(dirfd, mode) : fchmodat(dirfd, name, mode));
  }
  const atime = policy.times === 'all' ? attributes.atime : undefined;
  times.atimeSec = atime?.sec ?? attributes.mtimeSec;
  times.atimeNsec = atime?.nsec ?? attributes.mtimeNsec;
  times.mtimeSec = attributes.mtimeSec;
  times.mtimeNsec = attributes.mtimeNsec;
  settle('utimes', utimensat(dirfd, name, times, flags));
}

/** @throws FsError unless the policy forgives it. */
export function settleRefusal(policy: XattrPolicy, refusal: Refusal): void {
  if (policy.forgives(refusal)) return;
  check(
    refusal.result,
    refusal.attribute === undefined ? refusal.call : `setxattr ${refusal.attribute}`,
    refusal.path,
  );
}
