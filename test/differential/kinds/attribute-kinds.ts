/** Steps on attributes by name: mode, owner, times, extended attributes, ACLs, capabilities, access, stat. */

import fc from 'fast-check';
import { posixAcl } from '../../conformance/acl.js';
import { XATTR_CREATE, XATTR_REPLACE } from '../../helpers/test-constants.js';
import { dirMode, fileMode, kind, newOwner, normalStat, normalTime, path } from '../kind.js';

/** The last two are overlayfs's own, which a user may set and must not meet. */
export const xattrName = fc.constantFrom(
  'user.one',
  'user.two',
  'trusted.three',
  'security.four',
  'user.one',
  'user.two',
  'trusted.overlay.opaque',
  'user.overlay.redirect',
);
export const xattrValue = fc.constantFrom('', 'v', 'y', 'w'.repeat(300));
const setFlag = fc.constantFrom<'any' | 'create' | 'replace'>('any', 'any', 'create', 'replace');
const SET_FLAGS = { any: 0, create: XATTR_CREATE, replace: XATTR_REPLACE } as const;

const ACLS = {
  small: posixAcl({ owner: 6, group: 4, other: 0 }),
  user: posixAcl({ owner: 7, users: { 1001: 5 }, group: 5, mask: 7, other: 0 }),
  group: posixAcl({ owner: 6, group: 0, groups: { 1001: 7 }, mask: 5, other: 4 }),
  broken: Buffer.from('02000000ff', 'hex'),
} as const;
const acl = fc.constantFrom<keyof typeof ACLS>('small', 'user', 'user', 'group', 'broken');
const aclKind = fc.constantFrom<'access' | 'default'>('access', 'default');

/** linux/capability.h: struct vfs_cap_data, revision 2, effective, CAP_NET_RAW permitted. */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** Nanoseconds since the epoch as a decimal number, or what utimensat(2) has beside. */
export const time = fc.constantFrom('-4999999995', '7000000005', '1100000000987654321', 'now', 'omit');

export function timeChange(text: string): bigint | 'now' | 'omit' {
  return text === 'now' || text === 'omit' ? text : BigInt(text);
}

export const attributeKinds = {
  chmod: kind(4, { path: path('any'), mode: fc.oneof(fileMode, dirMode) }, ({ fs }, { path, mode }) =>
    fs.chmod(path, mode),
  ),
  chown: kind(3, { path: path('any'), uid: newOwner, gid: newOwner }, ({ fs }, { path, uid, gid }) =>
    fs.lchown(path, uid, gid),
  ),
  chownFollowing: kind(1, { path: path('symlink', 'any'), uid: newOwner }, ({ fs }, { path, uid }) =>
    fs.chown(path, uid, -1),
  ),
  utimens: kind(
    3,
    { path: path('any'), atime: time, mtime: time },
    async ({ fs }, { path, atime, mtime }) => {
      await fs.utimens(path, timeChange(atime), timeChange(mtime));
      return atime === 'omit' ? '' : normalTime((await fs.lstat(path)).atimeNs);
    },
  ),
  setxattr: kind(
    4,
    { path: path('any'), name: xattrName, value: xattrValue, flag: setFlag },
    ({ fs }, { path, name, value, flag }) => fs.setxattr(path, name, value, SET_FLAGS[flag]),
  ),
  getxattr: kind(2, { path: path('any'), name: xattrName }, ({ fs }, { path, name }) =>
    fs.getxattr(path, name),
  ),
  removexattr: kind(2, { path: path('any'), name: xattrName }, ({ fs }, { path, name }) =>
    fs.removexattr(path, name),
  ),
  listxattr: kind(2, { path: path('any') }, ({ fs }, { path }) => fs.listxattr(path)),
  setAcl: kind(2, { path: path('any', 'dir'), which: aclKind, acl }, ({ fs }, { path, which, acl }) =>
    fs.setxattr(path, `system.posix_acl_${which}`, ACLS[acl]),
  ),
  getAcl: kind(1, { path: path('any', 'dir'), which: aclKind }, async ({ fs }, { path, which }) => {
    const value = await fs.getxattr(path, `system.posix_acl_${which}`);
    return Buffer.from(value, 'latin1').toString('hex');
  }),
  removeAcl: kind(1, { path: path('any', 'dir'), which: aclKind }, ({ fs }, { path, which }) =>
    fs.removexattr(path, `system.posix_acl_${which}`),
  ),
  setCapability: kind(1, { path: path('regular') }, ({ fs }, { path }) =>
    fs.setxattr(path, 'security.capability', CAPABILITY),
  ),
  access: kind(2, { path: path('any'), mode: fc.constantFrom(0, 1, 2, 4, 7) }, ({ fs }, { path, mode }) =>
    fs.access(path, mode),
  ),
  stat: kind(4, { path: path('any') }, async ({ fs }, { path }) => normalStat(await fs.lstat(path))),
  statFollowing: kind(1, { path: path('symlink', 'any') }, async ({ fs }, { path }) =>
    normalStat(await fs.stat(path)),
  ),
  statx: kind(1, { path: path('any') }, ({ fs }, { path }) => fs.statx(path)),
};
