/**
 * Where a copied-up file came from: the `origin` xattr, from which its inode number stays what it was.
 *
 * Form: struct ovl_fb, fs/overlayfs/overlayfs.h v6.18: version 0, magic 0xfb, length, flags, handle type, 16 bytes of
 * the file system's uuid, the file handle. The handle's inode number is read off directly for the handle types of
 * ext4, xfs, btrfs and tmpfs; other types give none, and then the number changes with a remount.
 * A directory that holds copied-up files is marked `impure`, so that others need not be asked for origins.
 */

import { check } from '../errno/fs-error.js';
import { O_DIRECTORY, O_RDONLY } from '../linux/constants.js';
import { nameToHandleAt } from '../linux/handle.js';
import { ioctlBuffer } from '../linux/ioctl.js';
import { close, openat } from '../linux/open.js';
import { Statx } from '../linux/statx.js';
import { getxattrAt, removexattrAt, setxattrAt } from '../linux/xattr.js';
import type { Name } from '../vfs/name.js';
import { MARK_METACOPY, MARK_NLINK, MARK_ORIGIN, MARK_REDIRECT } from './format.js';
import { keepCtime } from './kept-ctime.js';
import type { RealDirectory } from './layer.js';
import { readMarks } from './marks.js';
import type { UnionNode } from './node.js';
import type { UnionState } from './union-state.js';

const VERSION = 0;
const MAGIC = 0xfb;
/** Byte order known, handle built on a 64-bit little-endian host: OVL_FH_FLAG_CPU_ENDIAN. */
const FLAGS = 0;
const HEADER = 5 + 16;
/** struct file_handle: bytes (u32), type (i32), then the handle. */
const HANDLE_HEADER = 8;

const MARKS_OF_COPY = MARK_ORIGIN | MARK_REDIRECT | MARK_METACOPY | MARK_NLINK;

const before = new Statx();
const after = new Statx();
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
export function readOrigin(state: UnionState, dirfd: number, name: Name): Buffer | undefined {
  const length = getxattrAt(dirfd, name, state.xattrs.origin, record);
  if (length < HEADER || record[0] !== VERSION || record[1] !== MAGIC || record[2] !== length)
    return undefined;
  return Buffer.from(record.subarray(0, length));
}

/** The reported inode number of what a record names; undefined when its handle does not tell. */
export function originInode(state: UnionState, origin: Buffer): number | undefined {
  const ino = handleInode(origin[4]!, origin.subarray(HEADER));
  if (ino === undefined) return undefined;
  const uuid = origin.subarray(5, HEADER);
  const layer =
    state.layers.find((one) => !one.writable && one.uuid.equals(uuid)) ??
    state.layers[state.layers.length - 1];
  return layer?.inodeNumber(ino);
}

/** Whether the directory of upper behind the node holds copied-up objects. */
export function isImpureNode(state: UnionState, node: UnionNode): boolean {
  const top = state.directories(node)[0]!;
  return top.layer === state.upper && isImpure(state, node, top);
}

function isImpure(state: UnionState, node: UnionNode, upper: RealDirectory): boolean {
  if (node.impure !== undefined) return node.impure;
  const fd = state.descriptor(upper);
  const length = getxattrAt(fd, '', state.xattrs.impure, record);
  node.impure = length === 1 && record[0] === 0x79;
  return node.impure;
}

/** Marks a directory of upper as holding copied-up objects. */
export function setImpure(state: UnionState, node: UnionNode): void {
  node.mayBePure = false;
  if (node.impure === true) return;
  const upper = state.directories(node)[0]!;
  check(
    setxattrAt(state.descriptor(upper), '', state.xattrs.impure, Buffer.from('y'), 0),
    'setxattr',
    'impure',
  );
  node.impure = true;
}

/**
 * After the listing of a directory was read: takes the mark away where nothing in it is a copy any more.
 * Linux: fs/overlayfs/readdir.c:ovl_cache_get_impure() v6.18, likewise of directories that lie in upper alone.
 */
export function dropImpure(state: UnionState, node: UnionNode, names: readonly Name[]): void {
  const dirs = state.directories(node);
  if (!state.writable || dirs.length > 1 || !node.mayBePure || !isImpureNode(state, node)) return;
  const fd = state.descriptor(dirs[0]!);
  if (names.some((name) => (readMarks(state, fd, name) & MARKS_OF_COPY) !== 0)) {
    node.mayBePure = false;
    return;
  }
  state.statNode(node, before);
  // Only spares work: where the mark cannot be taken away (an upper that became read-only), it stays.
  if (removexattrAt(state.descriptor(dirs[0]!), '', state.xattrs.impure) < 0) {
    node.mayBePure = false;
    return;
  }
  state.statNode(node, after);
  node.keptCtime = keepCtime(node.keptCtime, before, after);
  node.impure = false;
}
