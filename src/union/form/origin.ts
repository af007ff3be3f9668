/**
 * Where a copied-up file came from: the `origin` xattr, from which its inode number stays what it was.
 *
 * Form: struct ovl_fb, fs/overlayfs/overlayfs.h v6.18: version 0, magic 0xfb, length, flags, handle type, 16 bytes of
 * the file system's uuid, the file handle. With privilege the handle is opened, so that nothing is believed of a file that
 * is gone, of another type, or has further names that the copy does not stand for; without it the inode number is read off
 * the handle types of ext4, xfs, btrfs and tmpfs. What leads nowhere gives none, and the copy shows its own number.
 */

import { check } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH, O_DIRECTORY, O_PATH, O_RDONLY, STATX_BASIC_STATS } from '../../linux/constants.js';
import { nameToHandleAt, openByHandleAt } from '../../linux/files/handle.js';
import { close, openat } from '../../linux/files/open.js';
import { fstatfs, StatFsResult } from '../../linux/files/statfs.js';
import { type Statx, statx } from '../../linux/files/statx.js';
import { getxattrAt } from '../../linux/files/xattr.js';
import { ioctlBuffer } from '../../linux/ioctl.js';
import type { Name } from '../../vfs/name.js';
import type { PrivateXattrs } from './overlay-xattrs.js';

const VERSION = 0;
const MAGIC = 0xfb;
/** Byte order known, handle built on a 64-bit little-endian host: OVL_FH_FLAG_CPU_ENDIAN. */
const FLAGS = 0;
/** OVL_FH_FLAG_BIG_ENDIAN, and what v6.18 does not know. */
const FOREIGN_FLAGS = 0xf9;
const HEADER = 5 + 16;
/** struct file_handle: bytes (u32), type (i32), then the handle. */
const HANDLE_HEADER = 8;

const UNKNOWN = Buffer.alloc(16);

const handle = Buffer.alloc(HANDLE_HEADER + 128);
const record = Buffer.alloc(256);

/** FS_IOC_GETFSUUID: struct fsuuid2 {u8 len; u8 uuid[16]}. */
const FS_IOC_GETFSUUID = 0x80111500;

/** The file system's uuid as 16 bytes; zeros where it does not tell (kernel before 6.9). */
export function fileSystemUuid(dirfd: number): Buffer {
  const answer = Buffer.alloc(17);
  const uuid = Buffer.alloc(16);
  const fd = openat(dirfd, '.', O_RDONLY | O_DIRECTORY);
  if (fd < 0) return uuid;
  try {
    if (ioctlBuffer(fd, FS_IOC_GETFSUUID, answer) >= 0 && answer[0] === 16) answer.copy(uuid, 0, 1);
  } finally {
    close(fd);
  }
  return uuid;
}

/** Linux: include/uapi/linux/magic.h:FUSE_SUPER_MAGIC. */
const FUSE_SUPER_MAGIC = 0x65735546;

/** Whether file handles there mean the same at the next mount: on FUSE they hold node ids, which are given out anew. */
export function keepsHandles(fd: number): boolean {
  const found = new StatFsResult();
  check(fstatfs(fd, found), 'statfs');
  return found.type !== FUSE_SUPER_MAGIC;
}

/**
 * The origin record of an object of a lower.
 * @returns a copy, or undefined where its file system has no handles.
 */
export function originRecord(dirfd: number, name: Name, uuid: Buffer): Buffer | undefined {
  if (nameToHandleAt(dirfd, name, handle) < 0) return undefined;
  const bytes = handle.readUInt32LE(0);
  const type = handle.readInt32LE(4);
  if (type <= 0 || type > 255 || HEADER + bytes > 255) return undefined;
  const out = Buffer.alloc(HEADER + bytes);
  out[0] = VERSION;
  out[1] = MAGIC;
  out[2] = HEADER + bytes;
  out[3] = FLAGS;
  out[4] = type;
  uuid.copy(out, 5);
  handle.copy(out, HEADER, HANDLE_HEADER, HANDLE_HEADER + bytes);
  return out;
}

const FILEID_INO32_GEN = 1;
const FILEID_INO64_GEN = 0x81;
const FILEID_BTRFS = 0x4d;

/** The inode number that a file handle names; undefined for a type that does not carry it plainly. */
function handleInode(type: number, bytes: Buffer): number | undefined {
  if (type === FILEID_INO32_GEN && bytes.length === 8) return bytes.readUInt32LE(0);
  // tmpfs: generation, inode number low and high.
  if (type === FILEID_INO32_GEN && bytes.length === 12)
    return bytes.readUInt32LE(4) + bytes.readUInt32LE(8) * 2 ** 32;
  if ((type === FILEID_INO64_GEN || type === FILEID_BTRFS) && bytes.length >= 8) {
    return bytes.readUInt32LE(0) + bytes.readUInt32LE(4) * 2 ** 32;
  }
  return undefined;
}

/** The origin record of an object in upper; undefined for one that is not of overlayfs's form. @returns a copy. */
export function readOrigin(xattrs: PrivateXattrs, dirfd: number, name: Name): Buffer | undefined {
  const length = getxattrAt(dirfd, name, xattrs.origin, record);
  const told = record[2]!;
  if (length < told || told < HEADER || record[0] !== VERSION || record[1] !== MAGIC) return undefined;
  if ((record[3]! & FOREIGN_FLAGS) !== 0) return undefined;
  return Buffer.from(record.subarray(0, told));
}

/** Whether a record may be of the file system with this uuid: one that does not tell its own may be any. */
export function mayBeOf(origin: Buffer, uuid: Buffer): boolean {
  return uuid.equals(origin.subarray(5, HEADER)) || uuid.equals(UNKNOWN);
}

/** The inode number that a record names; undefined where its handle does not tell. */
export function inodeIn(origin: Buffer): number | undefined {
  return handleInode(origin[4]!, origin.subarray(HEADER));
}

/**
 * Looks at what a record names.
 * @param mountFd a directory of its file system, open for reading.
 * @returns 0, -EPERM where that takes privileges, or another negated errno where the record leads nowhere.
 */
export function statOrigin(mountFd: number, origin: Buffer, out: Statx): number {
  handle.writeUInt32LE(origin.length - HEADER, 0);
  handle.writeInt32LE(origin[4]!, 4);
  origin.copy(handle, HANDLE_HEADER, HEADER);
  const fd = openByHandleAt(mountFd, handle, O_PATH);
  if (fd < 0) return fd;
  const result = statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, out);
  close(fd);
  return result;
}
