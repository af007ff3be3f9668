/**
 * Operations on attributes: stat, mode, owner, times to the nanosecond, extended attributes, space of the disk.
 *
 * Times are nanoseconds as bigint. Numbers that may pass 2^53 (inode, device) are bigint too.
 */

import fs from 'node:fs';
import { call, ioctl } from '../libc.js';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, S_IFMT } from '../test-constants.js';
import { bytesOf, cPath, cString, isDescriptor, type Path } from './path.js';

export type FileType = 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'unknown';

const TYPES: Readonly<Record<number, FileType>> = {
  [fs.constants.S_IFREG]: 'file',
  [fs.constants.S_IFDIR]: 'dir',
  [fs.constants.S_IFLNK]: 'symlink',
  [fs.constants.S_IFIFO]: 'fifo',
  [fs.constants.S_IFSOCK]: 'socket',
  [fs.constants.S_IFCHR]: 'char',
  [fs.constants.S_IFBLK]: 'block',
};

export interface Stat {
  readonly type: FileType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Units of 512 bytes. */
  readonly blocks: number;
  readonly nlink: number;
  readonly ino: bigint;
  readonly dev: bigint;
  /** `major:minor`, of device nodes only. */
  readonly rdev: string;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** A time to set: nanoseconds since the epoch, the time of the call, or none. */
export type TimeChange = bigint | 'now' | 'omit';

const STATX_BASIC_STATS = 0x7ff;
const STATX_BTIME = 0x800;
/** STATX_ATTR_IMMUTABLE and STATX_ATTR_APPEND. */
const STATX_ATTR_SHARED = 0x30n;

const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_IOC_FSGETXATTR = 0x801c581f;
const FS_IOC_FSSETXATTR = 0x401c5820;
/** FS_SYNC_FL, IMMUTABLE, APPEND, NODUMP and NOATIME: what people set, of what file systems set themselves. */
const FS_FLAGS_SHARED = 0xf8;

/** FS_XFLAG_IMMUTABLE, APPEND, SYNC, NOATIME, NODUMP. */
const FS_XFLAGS_SHARED = 0xf8;

/** Runs an ioctl on a file that it opens as lsattr(1) does. */
function onDescriptor<T>(path: Path, run: (fd: number) => T): T {
  const fd = fs.openSync(bytesOf(path), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    return run(fd);
  } finally {
    fs.closeSync(fd);
  }
}

const UTIME_NOW = 0x3fffffffn;
const UTIME_OMIT = 0x3ffffffen;

function statOf(raw: fs.BigIntStats): Stat {
  const type = TYPES[Number(raw.mode) & S_IFMT] ?? 'unknown';
  const isDevice = type === 'char' || type === 'block';
  return {
    type,
    mode: Number(raw.mode) & 0o7777,
    uid: Number(raw.uid),
    gid: Number(raw.gid),
    size: Number(raw.size),
    blocks: Number(raw.blocks),
    nlink: Number(raw.nlink),
    ino: raw.ino,
    dev: raw.dev,
    rdev: isDevice
      ? `${(raw.rdev >> 8n) & 0xfffn}:${(raw.rdev & 0xffn) | ((raw.rdev >> 12n) & 0xfff00n)}`
      : '',
    atimeNs: raw.atimeNs,
    mtimeNs: raw.mtimeNs,
    ctimeNs: raw.ctimeNs,
  };
}

function putTime(into: Buffer, at: number, time: TimeChange): void {
  const seconds = typeof time === 'bigint' ? floorDiv(time, 1_000_000_000n) : 0n;
  const rest =
    typeof time === 'bigint' ? time - seconds * 1_000_000_000n : time === 'now' ? UTIME_NOW : UTIME_OMIT;
  into.writeBigInt64LE(seconds, at);
  into.writeBigInt64LE(rest, at + 8);
}

function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

/** Which of the two calls (following, not following) reaches the file named. */
function xattrCall<F extends string>(path: Path, follow: boolean, name: F): F | `l${F}` {
  return follow || isDescriptor(path) ? name : `l${name}`;
}

export function listXattrs(path: Path): string[] {
  const name = xattrCall(path, false, 'listxattr');
  const size = call(name, cPath(path), null, 0);
  const into = Buffer.alloc(size);
  const length = call(name, cPath(path), into, size);
  return into.toString('latin1', 0, length).split('\0').slice(0, -1).sort();
}

export const attributeOperations = {
  stat(path: Path): Stat {
    return statOf(fs.statSync(bytesOf(path), { bigint: true }));
  },
  /** Does not follow a symlink, except through a descriptor. */
  lstat(path: Path): Stat {
    if (isDescriptor(path)) return statOf(fs.statSync(bytesOf(path), { bigint: true }));
    return statOf(fs.lstatSync(bytesOf(path), { bigint: true }));
  },
  fstat(fd: number): Stat {
    return statOf(fs.fstatSync(fd, { bigint: true }));
  },
  /** What statx(2) says of the link itself: basic fields that it gave, and attributes of the few that overlays pass on. */
  statx(path: Path): { mask: number; attributes: bigint; nlink: number; size: bigint } {
    const into = Buffer.alloc(256);
    call('statx', AT_FDCWD, cPath(path), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, into);
    const isDirectory = (into.readUInt16LE(28) & S_IFMT) === fs.constants.S_IFDIR;
    return {
      mask: into.readUInt32LE(0) & STATX_BASIC_STATS,
      attributes: into.readBigUInt64LE(8) & STATX_ATTR_SHARED,
      nlink: isDirectory ? 0 : into.readUInt32LE(16),
      size: isDirectory ? 0n : into.readBigUInt64LE(40),
    };
  },
  /** Time of birth; undefined where the file system has none. */
  birthNs(path: Path): bigint | undefined {
    const into = Buffer.alloc(256);
    call('statx', AT_FDCWD, cPath(path), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, into);
    if ((into.readUInt32LE(0) & STATX_BTIME) === 0) return undefined;
    return into.readBigInt64LE(80) * 1_000_000_000n + BigInt(into.readUInt32LE(88));
  },
  access(path: Path, mode: number): void {
    fs.accessSync(bytesOf(path), mode);
  },
  chmod(path: Path, mode: number): void {
    fs.chmodSync(bytesOf(path), mode);
  },
  fchmod(fd: number, mode: number): void {
    fs.fchmodSync(fd, mode);
  },
  /** -1 leaves an id as it is. */
  chown(path: Path, uid: number, gid: number): void {
    call('chown', cPath(path), uid, gid);
  },
  lchown(path: Path, uid: number, gid: number): void {
    call('lchown', cPath(path), uid, gid);
  },
  fchown(fd: number, uid: number, gid: number): void {
    call('fchown', fd, uid, gid);
  },
  /** Does not follow a symlink, except through a descriptor. */
  utimens(path: Path, atime: TimeChange, mtime: TimeChange): void {
    const times = Buffer.alloc(32);
    putTime(times, 0, atime);
    putTime(times, 16, mtime);
    call('utimensat', AT_FDCWD, cPath(path), times, isDescriptor(path) ? 0 : AT_SYMLINK_NOFOLLOW);
  },
  setxattr(path: Path, name: string, value: string | Uint8Array, flags = 0): void {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
    call(xattrCall(path, false, 'setxattr'), cPath(path), cString(name), bytes, bytes.length, flags);
  },
  /** The value as a latin1 string; `room` is the size of the caller's buffer, by default as large as needed. */
  getxattr(path: Path, name: string, room?: number): string {
    const get = xattrCall(path, false, 'getxattr');
    const size = room ?? call(get, cPath(path), cString(name), null, 0);
    const into = Buffer.alloc(size);
    return into.toString('latin1', 0, call(get, cPath(path), cString(name), into, size));
  },
  /** What getxattr(2) answers to a caller without a buffer. */
  xattrSize(path: Path, name: string): number {
    return call(xattrCall(path, false, 'getxattr'), cPath(path), cString(name), null, 0);
  },
  listxattr(path: Path): string[] {
    return listXattrs(path);
  },
  removexattr(path: Path, name: string): void {
    call(xattrCall(path, false, 'removexattr'), cPath(path), cString(name));
  },
  /** FS_*_FL as lsattr(1) shows them. */
  inodeFlags(path: Path): number {
    const into = Buffer.alloc(8);
    onDescriptor(path, (fd) => ioctl(fd, FS_IOC_GETFLAGS, into));
    return into.readUInt32LE(0) & FS_FLAGS_SHARED;
  },
  /** Sets the flags named and clears those of the same kind that are not; others stay. */
  setInodeFlags(path: Path, flags: number): void {
    const data = Buffer.alloc(8);
    onDescriptor(path, (fd) => {
      ioctl(fd, FS_IOC_GETFLAGS, data);
      data.writeUInt32LE(((data.readUInt32LE(0) & ~FS_FLAGS_SHARED) | flags) >>> 0, 0);
      ioctl(fd, FS_IOC_SETFLAGS, data);
    });
  },
  /** struct fsxattr: FS_XFLAG_* of the few that people set, and the project. */
  fsxattr(path: Path): { flags: number; project: number } {
    const into = Buffer.alloc(28);
    onDescriptor(path, (fd) => ioctl(fd, FS_IOC_FSGETXATTR, into));
    return { flags: into.readUInt32LE(0) & FS_XFLAGS_SHARED, project: into.readUInt32LE(12) };
  },
  setFsxattr(path: Path, flags: number): void {
    const data = Buffer.alloc(28);
    onDescriptor(path, (fd) => {
      ioctl(fd, FS_IOC_FSGETXATTR, data);
      data.writeUInt32LE(((data.readUInt32LE(0) & ~FS_XFLAGS_SHARED) | flags) >>> 0, 0);
      ioctl(fd, FS_IOC_FSSETXATTR, data);
    });
  },
  statfs(path: Path): {
    type: bigint;
    bsize: bigint;
    blocks: bigint;
    bfree: bigint;
    files: bigint;
    ffree: bigint;
  } {
    const { type, bsize, blocks, bfree, files, ffree } = fs.statfsSync(bytesOf(path), { bigint: true });
    return { type, bsize, blocks, bfree, files, ffree };
  },
};
