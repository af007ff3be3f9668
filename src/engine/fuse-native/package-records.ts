/**
 * From the records of vfs/attr.ts to the plain objects that the package takes.
 *
 * The package writes most fields as unsigned 32-bit integers and times as unsigned milliseconds: what does not fit is
 * made to fit here, where it can be told what is lost, and not cut off there.
 */

import { encodeDevice } from '../../fuse/abi/integers.js';
import type { Attr, StatFs } from '../../vfs/attr.js';

const U32 = 2 ** 32;
const U32_MAX = U32 - 1;

/** Times in milliseconds. */
export interface PackageStat {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly nlink: number;
  readonly ino: number;
  readonly rdev: number;
  readonly blksize: number;
  readonly blocks: number;
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
}

export function packageStatOf(attr: Attr): PackageStat {
  return {
    mode: attr.mode,
    uid: attr.uid,
    gid: attr.gid,
    size: attr.sizeBytes,
    nlink: attr.nlink,
    ino: foldInode(attr.ino),
    rdev: encodeDevice(attr.rdevMajor, attr.rdevMinor),
    blksize: attr.blksize,
    blocks: attr.blocks,
    atime: shownMs(attr.atimeSec, attr.atimeNsec),
    mtime: shownMs(attr.mtimeSec, attr.mtimeNsec),
    ctime: shownMs(attr.ctimeSec, attr.ctimeNsec),
  };
}

const NO_TIMES = { atime: 0, mtime: 0, ctime: 0 };
const NOTHING = { uid: 0, gid: 0, size: 0, nlink: 1, rdev: 0, blksize: 0, blocks: 0, ...NO_TIMES };

/** What readdir says of an entry: its type (DT_*) and inode number, which is all that libfuse passes on. */
export function listedStat(ino: number, type: number): PackageStat {
  return { ...NOTHING, mode: type << 12, ino: foldInode(ino) };
}

/** Dates before 1970 show as 1970. */
function shownMs(seconds: number, nanoseconds: number): number {
  return Math.max(0, seconds * 1000 + Math.floor(nanoseconds / 1_000_000));
}

/** Numbers below 2^32 as they are, others mixed into 32 bits; never 0, which means none. */
export function foldInode(ino: number): number {
  if (ino < U32) return ino;
  const high = Math.floor(ino / U32);
  return (Math.imul(high, 0x9e3779b1) ^ (ino >>> 0)) >>> 0 || 1;
}

export interface PackageStatFs {
  readonly bsize: number;
  readonly frsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
  readonly favail: number;
  readonly namemax: number;
}

/** More than 2^32 blocks are counted in larger ones. */
export function statFsOf(stat: StatFs): PackageStatFs {
  let scale = 1;
  while (stat.blocks / scale > U32_MAX) scale *= 2;
  const files = Math.min(stat.files, U32_MAX);
  const ffree = Math.min(stat.ffree, files);
  return {
    bsize: stat.bsize,
    frsize: stat.frsize * scale,
    blocks: Math.floor(stat.blocks / scale),
    bfree: Math.floor(stat.bfree / scale),
    bavail: Math.floor(stat.bavail / scale),
    files,
    ffree,
    favail: ffree,
    namemax: stat.nameMax,
  };
}
