/**
 * Replies that carry an entry, attributes or an opened file: LOOKUP and every creating operation, GETATTR, SETATTR,
 * OPEN, OPENDIR, CREATE, TMPFILE (fuse_entry_out, fuse_attr_out, fuse_open_out, protocol 7.45).
 */

import { type Attr, type Entry, type Opened, TTL_FOREVER } from '../../vfs/attr.js';
import { SIZEOF_ATTR_OUT, SIZEOF_ENTRY_OUT, SIZEOF_OPEN_OUT, SIZEOF_STATX_OUT } from '../abi/abi.js';
import { FOPEN_DIRECT_IO, FOPEN_KEEP_CACHE, FOPEN_NOFLUSH, FOPEN_PASSTHROUGH } from '../abi/abi-flags.js';
import { encodeDevice, writeU64 } from '../abi/integers.js';
import { REPLY_BODY, type ReplyBuffer } from './reply.js';

/**
 * Seconds, as the power of two 2^40 (34,000 years): the kernel turns what its clock cannot hold into its largest
 * time (fs/fuse/dir.c:fuse_time_to_jiffies() v6.18).
 */
const FOREVER_HIGH = 2 ** (40 - 32);
const FOREVER_MS = 2 ** 40 * 1000;

/** LOOKUP, MKNOD, MKDIR, SYMLINK, LINK. */
export function encodeEntry(reply: ReplyBuffer, entry: Entry): void {
  writeEntry(reply.view, REPLY_BODY, entry);
  reply.length = REPLY_BODY + SIZEOF_ENTRY_OUT;
}

/** LOOKUP of a name that does not exist, which the kernel may remember for `ttlMs`. */
export function encodeNegativeEntry(reply: ReplyBuffer, ttlMs: number): void {
  reply.bytes.fill(0, REPLY_BODY, REPLY_BODY + SIZEOF_ENTRY_OUT);
  writeTtl(reply.view, REPLY_BODY + 16, REPLY_BODY + 32, ttlMs);
  reply.length = REPLY_BODY + SIZEOF_ENTRY_OUT;
}

/** GETATTR and SETATTR. */
export function encodeAttr(reply: ReplyBuffer, attr: Attr): void {
  writeTtl(reply.view, REPLY_BODY, REPLY_BODY + 8, attr.ttlMs);
  reply.view.setUint32(REPLY_BODY + 12, 0, true);
  writeAttr(reply.view, REPLY_BODY + 16, attr);
  reply.length = REPLY_BODY + SIZEOF_ATTR_OUT;
}

/** What a STATX answers: all basic fields, and the time of birth where there is one. */
const STATX_BASIC = 0x7ff;
const STATX_BTIME = 0x800;

/** STATX: fuse_statx_out, 32 bytes in front of a fuse_statx of 256. Flags of the inode the kernel does not take from it. */
export function encodeStatx(reply: ReplyBuffer, attr: Attr): void {
  const { view } = reply;
  reply.bytes.fill(0, REPLY_BODY, REPLY_BODY + SIZEOF_STATX_OUT);
  writeTtl(view, REPLY_BODY, REPLY_BODY + 8, attr.ttlMs);
  const at = REPLY_BODY + 32;
  view.setUint32(at, attr.hasBtime ? STATX_BASIC | STATX_BTIME : STATX_BASIC, true);
  view.setUint32(at + 4, attr.blksize, true);
  view.setUint32(at + 16, attr.nlink, true);
  view.setUint32(at + 20, attr.uid, true);
  view.setUint32(at + 24, attr.gid, true);
  view.setUint16(at + 28, attr.mode, true);
  writeU64(view, at + 32, attr.ino);
  writeU64(view, at + 40, attr.sizeBytes);
  writeU64(view, at + 48, attr.blocks);
  writeStatxTime(view, at + 64, attr.atimeSec, attr.atimeNsec);
  if (attr.hasBtime) writeStatxTime(view, at + 80, attr.btimeSec, attr.btimeNsec);
  writeStatxTime(view, at + 96, attr.ctimeSec, attr.ctimeNsec);
  writeStatxTime(view, at + 112, attr.mtimeSec, attr.mtimeNsec);
  view.setUint32(at + 128, attr.rdevMajor, true);
  view.setUint32(at + 132, attr.rdevMinor, true);
  reply.length = REPLY_BODY + SIZEOF_STATX_OUT;
}

function writeStatxTime(view: DataView, at: number, sec: number, nsec: number): void {
  writeU64(view, at, sec);
  view.setUint32(at + 8, nsec, true);
}

/** OPEN and OPENDIR. */
export function encodeOpen(reply: ReplyBuffer, opened: Opened): void {
  writeOpened(reply.view, REPLY_BODY, opened);
  reply.length = REPLY_BODY + SIZEOF_OPEN_OUT;
}

/** CREATE and TMPFILE. */
export function encodeCreate(reply: ReplyBuffer, entry: Entry, opened: Opened): void {
  writeEntry(reply.view, REPLY_BODY, entry);
  writeOpened(reply.view, REPLY_BODY + SIZEOF_ENTRY_OUT, opened);
  reply.length = REPLY_BODY + SIZEOF_ENTRY_OUT + SIZEOF_OPEN_OUT;
}

/** fuse_entry_out, 128 bytes at `at`. */
export function writeEntry(view: DataView, at: number, entry: Entry): void {
  const { attr } = entry;
  writeU64(view, at, entry.nodeId);
  writeU64(view, at + 8, entry.generation);
  writeTtl(view, at + 16, at + 32, entry.ttlMs);
  writeTtl(view, at + 24, at + 36, attr.ttlMs);
  writeAttr(view, at + 40, attr);
}

/** fuse_attr, 88 bytes at `at`. */
function writeAttr(view: DataView, at: number, attr: Attr): void {
  writeU64(view, at, attr.ino);
  writeU64(view, at + 8, attr.sizeBytes);
  writeU64(view, at + 16, attr.blocks);
  writeU64(view, at + 24, attr.atimeSec);
  writeU64(view, at + 32, attr.mtimeSec);
  writeU64(view, at + 40, attr.ctimeSec);
  view.setUint32(at + 48, attr.atimeNsec, true);
  view.setUint32(at + 52, attr.mtimeNsec, true);
  view.setUint32(at + 56, attr.ctimeNsec, true);
  view.setUint32(at + 60, attr.mode, true);
  view.setUint32(at + 64, attr.nlink, true);
  view.setUint32(at + 68, attr.uid, true);
  view.setUint32(at + 72, attr.gid, true);
  view.setUint32(at + 76, encodeDevice(attr.rdevMajor, attr.rdevMinor), true);
  view.setUint32(at + 80, attr.blksize, true);
  view.setUint32(at + 84, 0, true);
}

/**
 * fuse_open_out, 16 bytes at `at`. A backing id drops FOPEN_KEEP_CACHE: a passthrough file has no page cache of its own
 * and the kernel refuses the pair with EINVAL (fs/fuse/iomode.c:FOPEN_PASSTHROUGH_MASK v6.18).
 */
function writeOpened(view: DataView, at: number, opened: Opened): void {
  let flags = opened.backingId !== 0 ? FOPEN_PASSTHROUGH : opened.keepCache ? FOPEN_KEEP_CACHE : 0;
  if (opened.directIo) flags |= FOPEN_DIRECT_IO;
  if (opened.noFlush) flags |= FOPEN_NOFLUSH;
  writeU64(view, at, opened.handle);
  view.setUint32(at + 8, flags, true);
  view.setInt32(at + 12, opened.backingId, true);
}

function writeTtl(view: DataView, secAt: number, nsecAt: number, ttlMs: number): void {
  if (ttlMs === TTL_FOREVER || ttlMs >= FOREVER_MS) {
    view.setUint32(secAt, 0, true);
    view.setUint32(secAt + 4, FOREVER_HIGH, true);
    view.setUint32(nsecAt, 0, true);
    return;
  }
  const sec = Math.floor(ttlMs / 1000);
  writeU64(view, secAt, sec);
  view.setUint32(nsecAt, (ttlMs - sec * 1000) * 1_000_000, true);
}
