/**
 * Mode, owner, times and extended attributes of an object of the host: read, and set in the order that loses nothing (a change of
 * owner clears set-id bits and capabilities, an ACL changes the mode, everything changes the times).
 */

import { ENODATA, EPERM } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_PATH, S_IFLNK, S_IFMT } from '../../linux/constants.js';
import { fchmodat, fchownat, Times, utimensat } from '../../linux/files/inode.js';
import { close } from '../../linux/files/open.js';
import { removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import { CAP_SYS_ADMIN, hasCapability } from '../../linux/process/process.js';
import type { PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import type { Name } from '../../vfs/name.js';
import type { BeneathTree, Side } from '../changes/beneath-tree.js';
import { readXattrs } from '../changes/object-facts.js';
import type { KeptAttributes } from './apply-log.js';

const PERMISSIONS = 0o7777;

/** @param marks those of an upper. @returns undefined when there is no such object. */
export function attributesAt(
  tree: BeneathTree,
  path: Name,
  marks?: PrivateXattrs,
): KeptAttributes | undefined {
  const side = tree.look(path);
  if (side === undefined) return undefined;
  const fd = check(tree.open(path, O_PATH), 'open', tree.shown(path));
  try {
    return attributesOf(side, readXattrs(fd, marks));
  } finally {
    close(fd);
  }
}

function attributesOf(side: Side, xattrs: ReadonlyMap<Name, Buffer>): KeptAttributes {
  const { mode, uid, gid, atimeSec, atimeNsec, mtimeSec, mtimeNsec } = side;
  const values = [...xattrs].map(([name, bytes]) => [name, bytes.toString('base64')] as const);
  return { mode, uid, gid, atimeSec, atimeNsec, mtimeSec, mtimeNsec, xattrs: Object.fromEntries(values) };
}

/** The object at the path gets just these. @throws FsError */
export function setAttributesAt(tree: BeneathTree, path: Name, wanted: KeptAttributes): void {
  const fd = check(tree.open(path, O_PATH), 'open', tree.shown(path));
  try {
    setOwnAttributes(fd, wanted, tree.shown(path));
  } finally {
    close(fd);
  }
}

/**
 * Without privileges what belongs to another keeps his owner, mode and times, as when he who asks had written to it himself.
 * @param fd may be an O_PATH one.
 */
export function setOwnAttributes(fd: number, wanted: KeptAttributes, shown: string): void {
  const settle = (result: number, call: string): void => {
    if (result !== -EPERM || hasCapability(CAP_SYS_ADMIN)) check(result, call, shown);
  };
  settle(fchownat(fd, '', wanted.uid, wanted.gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW), 'chown');
  const now = readXattrs(fd);
  for (const name of now.keys()) {
    if (Object.hasOwn(wanted.xattrs, name)) continue;
    const result = removexattrAt(fd, '', name);
    if (result !== -ENODATA) settle(result, `removexattr ${name}`);
  }
  for (const [name, text] of Object.entries(wanted.xattrs)) {
    const value = Buffer.from(text, 'base64');
    if (now.get(name)?.equals(value) !== true) settle(setxattrAt(fd, '', name, value, 0), `setxattr ${name}`);
  }
  if ((wanted.mode & S_IFMT) !== S_IFLNK) settle(fchmodat(fd, '', wanted.mode & PERMISSIONS), 'chmod');
  const times = new Times();
  times.atimeSec = wanted.atimeSec;
  times.atimeNsec = wanted.atimeNsec;
  times.mtimeSec = wanted.mtimeSec;
  times.mtimeNsec = wanted.mtimeNsec;
  settle(utimensat(fd, '', times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW), 'utimes');
}
