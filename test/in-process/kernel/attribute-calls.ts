/** stat(2) and what changes attributes: setattr, extended attributes, flags. Linux: fs/attr.c, fs/xattr.c, fs/posix_acl.c v6.18. */

import { mayDropSetId } from '../../../src/engine/operations/bare-chown.js';
import { modeAfterChown } from '../../../src/engine/operations/chown-mode.js';
import {
  EACCES,
  EINVAL,
  EISDIR,
  ENODATA,
  ENOTTY,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
} from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import { O_NONBLOCK, S_IFDIR, S_IFMT, S_IFREG, S_ISGID, S_ISVTX } from '../../../src/linux/constants.js';
import { Attr, StatFs } from '../../../src/vfs/attr.js';
import { AttrChange, FlagsRequest } from '../../../src/vfs/file-system.js';
import type { FileType, Stat, TimeChange } from '../../helpers/operations/attribute-operations.js';
import type { Inode } from './inode-cache.js';
import type { Process } from './kernel-process.js';
import { openInode } from './open-call.js';
import { isSymlink } from './path-walk.js';
import { assertMay, assertOwner, isInGroup, MAY_READ, MAY_WRITE, may } from './permission.js';

const TYPES: Readonly<Record<number, FileType>> = {
  1: 'fifo',
  2: 'char',
  4: 'dir',
  6: 'block',
  8: 'file',
  10: 'symlink',
  12: 'socket',
};
const BILLION = 1_000_000_000n;

function timeOf(seconds: number, rest: number): bigint {
  return BigInt(seconds) * BILLION + BigInt(rest);
}

/** One device for the whole mount. */
export const MOUNT_DEVICE = 4242n;

export function statInode({ kernel, who }: Process, inode: Inode): Stat {
  const attr = kernel.cache.attributes(who, inode);
  const type = TYPES[attr.mode >> 12] ?? 'unknown';
  const isDevice = type === 'char' || type === 'block';
  return {
    type,
    mode: attr.mode & 0o7777,
    uid: attr.uid,
    gid: attr.gid,
    size: attr.sizeBytes,
    blocks: attr.blocks,
    nlink: attr.nlink,
    ino: BigInt(attr.ino),
    dev: MOUNT_DEVICE,
    rdev: isDevice ? `${attr.rdevMajor}:${attr.rdevMinor}` : '',
    atimeNs: timeOf(attr.atimeSec, attr.atimeNsec),
    mtimeNs: timeOf(attr.mtimeSec, attr.mtimeNsec),
    ctimeNs: timeOf(attr.ctimeSec, attr.ctimeNsec),
  };
}

export function birthOf({ kernel, who }: Process, inode: Inode): bigint | undefined {
  const attr = new Attr();
  kernel.request(who, (fs) => fs.getattr(inode.node, undefined, attr));
  return attr.hasBtime ? timeOf(attr.btimeSec, attr.btimeNsec) : undefined;
}

function setattr({ kernel, who }: Process, inode: Inode, fill: (change: AttrChange) => void): void {
  const change = new AttrChange();
  const out = new Attr();
  kernel.request(who, (fs) => {
    change.reset();
    fill(change);
    fs.setattr(inode.node, change, out, kernel.session.caller);
  });
  kernel.cache.learn(inode, out);
}

export function chmod(process: Process, inode: Inode, mode: number): void {
  const { kernel, who } = process;
  if (isSymlink(inode)) throw fsError(EOPNOTSUPP, 'chmod');
  assertOwner(kernel, who, inode);
  const { gid, mode: old } = kernel.cache.attributes(who, inode);
  const keepsSetgid = who.uid === 0 || isInGroup(who, gid);
  const bits = mode & 0o7777 & (keepsSetgid ? ~0 : ~S_ISGID);
  setattr(process, inode, (change) => {
    change.mode = (old & S_IFMT) | bits;
  });
}

/** -1 leaves an id as it is. */
export function chown(process: Process, inode: Inode, uid: number, gid: number): void {
  const { kernel, who } = process;
  const now = kernel.cache.attributes(who, inode);
  const isOwner = who.uid === now.uid;
  const mayUid = uid === -1 || (isOwner && uid === now.uid);
  const mayGid = gid === -1 || (isOwner && (isInGroup(who, gid) || gid === now.gid));
  if (who.uid !== 0 && !(mayUid && mayGid)) throw fsError(EPERM, 'chown');
  const isBare = uid === -1 && gid === -1;
  const { caller } = kernel.session;
  // As the engine has it: what is refused changes nothing, but while somebody writes it succeeds so.
  if (isBare && !kernel.request(who, (fs) => mayDropSetId(fs, inode.node, caller))) {
    if (inode.writers > 0) return;
    throw fsError(EPERM, 'chown');
  }
  const fill = (change: AttrChange): void => {
    change.bareChown = isBare;
    if (uid !== -1) change.uid = uid;
    if (gid !== -1) change.gid = gid;
    change.mode = modeAfterChown(kernel.fs, inode.node, caller);
  };
  dropCapabilities(process, inode);
  setattr(process, inode, fill);
}

/** Linux: security/commoncap.c:cap_inode_killpriv(). */
function dropCapabilities({ kernel, who }: Process, inode: Inode): void {
  if (inode.isDirectory) return;
  const found = kernel.request(who, (fs) => fs.getxattr(inode.node, 'security.capability'));
  if (found !== undefined) kernel.request(who, (fs) => fs.removexattr(inode.node, 'security.capability'));
}

export function truncate(process: Process, inode: Inode, size: number, handle?: number): void {
  const { kernel, who } = process;
  if (inode.isDirectory) throw fsError(EISDIR, 'truncate');
  if ((inode.attr.mode & S_IFMT) !== S_IFREG || size < 0) throw fsError(EINVAL, 'truncate');
  if (handle === undefined) assertMay(kernel, who, inode, MAY_WRITE);
  setattr(process, inode, (change) => {
    change.sizeBytes = size;
    change.killPriv = who.uid !== 0;
    change.handle = handle;
  });
}

export function utimens(process: Process, inode: Inode, atime: TimeChange, mtime: TimeChange): void {
  if (atime === 'omit' && mtime === 'omit') return;
  const { kernel, who } = process;
  if (atime === 'now' && mtime === 'now') {
    const isOwner = kernel.cache.attributes(who, inode).uid === who.uid;
    if (!isOwner && !may(kernel, who, inode, MAY_WRITE)) throw fsError(EACCES, 'utimensat');
  } else assertOwner(kernel, who, inode);
  setattr(process, inode, (change) => {
    [change.atimeSec, change.atimeNsec] = secondsOf(atime);
    [change.mtimeSec, change.mtimeNsec] = secondsOf(mtime);
  });
}

function secondsOf(time: TimeChange): [number | 'now' | undefined, number] {
  if (time === 'omit') return [undefined, 0];
  if (time === 'now') return ['now', 0];
  const rest = ((time % BILLION) + BILLION) % BILLION;
  return [Number((time - rest) / BILLION), Number(rest)];
}

const ACL = /^system\.posix_acl_(access|default)$/;

/** @throws as fs/xattr.c:xattr_permission() */
function assertMayXattr(process: Process, inode: Inode, name: string, changes: boolean): void {
  const { kernel, who } = process;
  const attr = kernel.cache.attributes(who, inode);
  if (ACL.test(name)) {
    if (isSymlink(inode)) throw fsError(EOPNOTSUPP, 'xattr');
    if (changes) assertOwner(kernel, who, inode);
    return;
  }
  if (name.startsWith('security.') || name.startsWith('system.')) {
    if (changes && who.uid !== 0) throw fsError(EPERM, 'xattr');
    return;
  }
  if (name.startsWith('trusted.')) {
    if (who.uid !== 0) throw fsError(changes ? EPERM : ENODATA, 'xattr');
    return;
  }
  if (name.startsWith('user.')) {
    const type = attr.mode & S_IFMT;
    if (type !== S_IFREG && type !== S_IFDIR) throw fsError(changes ? EPERM : ENODATA, 'xattr');
    if (changes && type === S_IFDIR && (attr.mode & S_ISVTX) !== 0) assertOwner(kernel, who, inode);
  }
  assertMay(kernel, who, inode, changes ? MAY_WRITE : MAY_READ);
}

export function setxattr(
  process: Process,
  inode: Inode,
  { name, value, flags }: { readonly name: string; readonly value: Uint8Array; readonly flags: number },
): void {
  const { kernel, who } = process;
  // Linux: fs/posix_acl.c:posix_acl_from_xattr(), set_posix_acl(): before the owner is looked at.
  if (ACL.test(name) && !isSymlink(inode)) {
    if (value.length < 4 || (value.length - 4) % 8 !== 0 || value[0] !== 2) throw fsError(EINVAL, 'xattr');
    if (name.endsWith('default') && !inode.isDirectory) throw fsError(EACCES, 'xattr');
  }
  assertMayXattr(process, inode, name, true);
  const killSgid = name === 'system.posix_acl_access' && who.uid !== 0 && !isInGroup(who, inode.attr.gid);
  kernel.request(who, (fs) => fs.setxattr(inode.node, name, value, { flags, killSgid }));
  inode.invalidate();
}

export function removexattr(process: Process, inode: Inode, name: string): void {
  assertMayXattr(process, inode, name, true);
  process.kernel.request(process.who, (fs) => fs.removexattr(inode.node, name));
  inode.invalidate();
}

/** @throws ENODATA, ERANGE when the caller has less room. */
export function getxattr(process: Process, inode: Inode, name: string, room?: number): string {
  assertMayXattr(process, inode, name, false);
  const value = process.kernel.request(process.who, (fs) => fs.getxattr(inode.node, name));
  if (value === undefined) throw fsError(ENODATA, 'getxattr', name);
  if (room !== undefined && room !== 0 && value.length > room) throw fsError(ERANGE, 'getxattr', name);
  return Buffer.from(value).toString('latin1');
}

export function listxattr({ kernel, who }: Process, inode: Inode): string[] {
  const names = kernel.request(who, (fs) => fs.listxattr(inode.node, kernel.session.caller));
  return Buffer.from(names).toString('latin1').split('\0').slice(0, -1).sort();
}

/** The ioctl of an inode that is opened for it. @param fill what is set; undefined to read. */
export function flags(
  process: Process,
  inode: Inode,
  command: number,
  fill?: (words: Uint32Array) => void,
): Uint32Array {
  const { kernel, who } = process;
  const type = inode.attr.mode & S_IFMT;
  const opened = process.install(openInode(process, inode, O_NONBLOCK));
  try {
    if (type !== S_IFREG && type !== S_IFDIR) throw fsError(ENOTTY, 'ioctl');
    if (fill !== undefined) {
      assertOwner(kernel, who, inode);
      assertMayProtect(process, inode, command, fill);
    }
    const request = new FlagsRequest();
    kernel.request(who, (fs) => {
      request.command = command;
      request.data.fill(0);
      fill?.(request.words);
      fs.inodeFlags(inode.node, request);
    });
    if (fill !== undefined) inode.invalidate();
    return request.words;
  } finally {
    process.close(opened);
  }
}

const FS_IOC_FSGETXATTR = 0x801c581f;
const FS_IOC_FSSETXATTR = 0x401c5820;
const FS_IOC_GETFLAGS = 0x80086601;
/** FS_IMMUTABLE_FL and FS_APPEND_FL; of struct fsxattr they are others. */
const PROTECTING = 0x30;
const PROTECTING_X = 0x18;

/** Linux: fs/file_attr.c:fileattr_set_prepare(): CAP_LINUX_IMMUTABLE. */
function assertMayProtect(
  { kernel, who }: Process,
  inode: Inode,
  command: number,
  fill: (words: Uint32Array) => void,
): void {
  if (who.uid === 0) return;
  const isX = command === FS_IOC_FSSETXATTR;
  const now = new FlagsRequest();
  kernel.request(who, (fs) => {
    now.command = isX ? FS_IOC_FSGETXATTR : FS_IOC_GETFLAGS;
    fs.inodeFlags(inode.node, now);
  });
  const wanted = new Uint32Array(7);
  fill(wanted);
  const changed = (now.words[0]! ^ wanted[0]!) & (isX ? PROTECTING_X : PROTECTING);
  if (changed !== 0) throw fsError(EPERM, 'ioctl');
}

export function statfs({ kernel, who }: Process, inode: Inode): StatFs {
  const out = new StatFs();
  kernel.request(who, (fs) => fs.statfs(inode.node, out));
  return out;
}
