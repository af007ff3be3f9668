/**
 * Owner and mode that fuse-overlayfs keeps in an attribute instead of the inode (`xattr_permissions`, `force_mask`).
 *
 * A layer has them when its root has the attribute: `UID:GID:MODE`, the mode octal, with or without the type. Only files
 * and directories have it (fuse-overlayfs 1.10, utils.c:override_mode()); a fourth field, by which newer versions turn a
 * file into a device, is not heeded. An object of upper that has the attribute is changed there, one without in its
 * inode: what plyfs makes has its owner and mode of its own.
 */

import { check } from '../../errno/fs-error.js';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../linux/constants.js';
import type { Statx } from '../../linux/files/statx.js';
import { getxattrAt, setxattrAt } from '../../linux/files/xattr.js';
import type { AttrChange } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';

const ATTRIBUTES: readonly Name[] = [
  'security.fuseoverlayfs.override_stat',
  'user.fuseoverlayfs.override_stat',
  'user.containers.override_stat',
];

const value = Buffer.alloc(256);

/** The attribute in use in a layer; undefined for none. */
export function overrideAttribute(rootFd: number): Name | undefined {
  return ATTRIBUTES.find((attribute) => getxattrAt(rootFd, '', attribute, value) >= 0);
}

/** Puts what the attribute says into the result of a statx. @returns whether the object has one. */
export function applyOverride(dirfd: number, name: Name, attribute: Name, stat: Statx): boolean {
  const type = stat.mode & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR) return false;
  const length = getxattrAt(dirfd, name, attribute, value);
  const parts = length < 0 ? null : /^(\d+):(\d+):([0-7]+)/.exec(value.toString('latin1', 0, length));
  if (parts === null) return false;
  stat.setOwnerAndMode(Number(parts[1]), Number(parts[2]), type | (Number.parseInt(parts[3]!, 8) & 0o7777));
  return true;
}

/** What is absent stays. */
export type OwnerAndMode = Partial<Pick<AttrChange, 'uid' | 'gid' | 'mode'>>;

interface Overridden {
  readonly dirfd: number;
  readonly name: Name;
  readonly attribute: Name;
}

/** Changes owner and mode in the attribute. PRECONDITION: `stat` is what `applyOverride` made of the object's. */
export function changeOverride(at: Overridden, stat: Statx, change: OwnerAndMode): void {
  const uid = change.uid ?? stat.uid;
  const gid = change.gid ?? stat.gid;
  const mode = (stat.mode & S_IFMT) | ((change.mode ?? stat.mode) & 0o7777);
  const text = Buffer.from(`${uid}:${gid}:${mode.toString(8)}`, 'latin1');
  check(setxattrAt(at.dirfd, at.name, at.attribute, text, 0), 'setxattr', at.attribute);
}
