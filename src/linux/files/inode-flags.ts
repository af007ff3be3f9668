/**
 * The flags of an inode that chattr(1) sets: ioctl(2) with FS_IOC_GETFLAGS and its kin.
 *
 * The argument is 4 bytes of FS_*_FL, whatever the request's number says, or a struct fsxattr of 28 (its first word
 * FS_XFLAG_*). The descriptor is a real one: O_PATH is EBADF. A file system without flags answers ENOTTY, EINVAL (ntfs-3g) or
 * EOPNOTSUPP.
 */

import { ENOSYS } from '../../errno/errno.js';
import type { Name } from '../../vfs/name.js';
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  FS_IOC_FSGETXATTR,
  FS_IOC_FSSETXATTR,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
} from '../constants.js';
import { ioctlBuffer } from '../ioctl.js';
import { bind, SYS_file_getattr, settle } from '../library.js';
import { firstName, putFirst } from '../scratch.js';

const FLAGS_BYTES = 4;
const FSXATTR_BYTES = 28;

const requestBytes: ReadonlyMap<number, number> = new Map([
  [FS_IOC_GETFLAGS, FLAGS_BYTES],
  [FS_IOC_SETFLAGS, FLAGS_BYTES],
  [FS_IOC_FSGETXATTR, FSXATTR_BYTES],
  [FS_IOC_FSSETXATTR, FSXATTR_BYTES],
]);

const word = new Uint32Array(1);
const wordBytes = new Uint8Array(word.buffer);

/** @returns FS_*_FL, unsigned, or a negated errno. */
export function getInodeFlags(fd: number): number {
  const result = ioctlBuffer(fd, FS_IOC_GETFLAGS, wordBytes);
  return result < 0 ? result : word[0]!;
}

export function setInodeFlags(fd: number, flags: number): number {
  word[0] = flags;
  return ioctlBuffer(fd, FS_IOC_SETFLAGS, wordBytes);
}

/** struct file_attr, its first version: u64 fa_xflags, then what is not looked at. */
const FILE_ATTR_BYTES = 24;
const fileAttr = new Uint32Array(FILE_ATTR_BYTES / 4);
const fileAttrBytes = new Uint8Array(fileAttr.buffer);

const sysFileGetattr = bind<
  (nr: number, dirfd: number, name: Buffer, into: Uint8Array, bytes: number, flags: number) => number
>('syscall', 'long', ['long', 'int', 'void *', 'void *', 'ulong', 'int']);
let hasFileGetattr = true;

/**
 * The flags of an object that is not open, of a file that one may not read, too: file_getattr(2), Linux 6.17.
 * @returns FS_XFLAG_*, or a negated errno: ENOSYS before 6.17.
 */
export function getExtendedFlagsAt(dirfd: number, name: Name): number {
  if (!hasFileGetattr) return -ENOSYS;
  const put = putFirst(name);
  if (put < 0) return put;
  const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  const result = settle(
    sysFileGetattr(SYS_file_getattr, dirfd, firstName, fileAttrBytes, FILE_ATTR_BYTES, flags),
  );
  if (result === -ENOSYS) hasFileGetattr = false;
  return result < 0 ? result : fileAttr[0]!;
}

/** How many bytes a request of the four reads or writes; undefined for any other. */
export function flagsRequestBytes(command: number): number | undefined {
  return requestBytes.get(command);
}

/** Whether the request changes the flags. */
export function setsFlags(command: number): boolean {
  return command === FS_IOC_SETFLAGS || command === FS_IOC_FSSETXATTR;
}
