/**
 * From opcode to FileSystem method: decode, call, encode, one handler each in a table.
 *
 * A handler leaves the body in the reply buffer and returns 0 or a negated errno, or throws what the FileSystem throws.
 * `NO_REPLY` is for requests that the kernel does not want answered.
 */

import { ENODATA, ENOSYS, EPERM, ERANGE } from '../../errno/errno.js';
import * as flag from '../../fuse/abi-flags.js';
import * as op from '../../fuse/abi-opcodes.js';
import { decodeGetattr, decodeSetattr, decodeStatx } from '../../fuse/decode-attr.js';
import { decodeBatchForget, decodeForget } from '../../fuse/decode-forget.js';
import {
  decodeCopyFileRange,
  decodeFallocate,
  decodeLseek,
  decodeRead,
  decodeWrite,
} from '../../fuse/decode-io.js';
import {
  decodeLink,
  decodeMkdir,
  decodeMknod,
  decodeName,
  decodeRename,
  decodeRename2,
  decodeSymlink,
} from '../../fuse/decode-name.js';
import {
  decodeCreate,
  decodeFlush,
  decodeFsync,
  decodeOpen,
  decodeRelease,
  decodeTmpfile,
} from '../../fuse/decode-open.js';
import { decodeGetxattr, decodeListxattr, decodeSetxattr } from '../../fuse/decode-xattr.js';
import {
  encodeAttr,
  encodeCreate,
  encodeEntry,
  encodeNegativeEntry,
  encodeOpen,
  encodeStatx,
} from '../../fuse/encode-entry.js';
import {
  encodeCopyFileRange64,
  encodeLseek,
  encodeStatFs,
  encodeWrite,
  encodeXattrSize,
} from '../../fuse/encode-misc.js';
import { encodeBytes, encodeFilled, encodeName, REPLY_BODY, type ReplyBuffer } from '../../fuse/reply.js';
import type { RequestHeader, RequestView } from '../../fuse/request.js';
import { S_IFLNK } from '../../linux/constants.js';
import type { FileSystem } from '../../vfs/file-system.js';
import { mayDropSetId } from './bare-chown.js';
import { modeAfterChown } from './chown-mode.js';
import { ioctl } from './ioctl.js';
import type { Records } from './records.js';

/** A handler returns it when no answer is wanted. */
export const NO_REPLY = 1;

/** What a handler works on. */
export interface Exchange {
  readonly fs: FileSystem;
  readonly request: RequestView;
  readonly header: RequestHeader;
  readonly reply: ReplyBuffer;
  readonly records: Records;
  /** FUSE_SETXATTR_EXT was negotiated. */
  readonly setxattrExt: boolean;
}

export type Handler = (x: Exchange) => number;

/** Handlers by opcode; an opcode without one is answered ENOSYS. */
export const handlers: readonly (Handler | undefined)[] = table([
  [op.FUSE_LOOKUP, lookup],
  [op.FUSE_FORGET, forget],
  [op.FUSE_BATCH_FORGET, batchForget],
  [op.FUSE_GETATTR, getattr],
  [op.FUSE_SETATTR, setattr],
  [op.FUSE_READLINK, readlink],
  [op.FUSE_SYMLINK, symlink],
  [op.FUSE_MKNOD, mknod],
  [op.FUSE_MKDIR, mkdir],
  [op.FUSE_UNLINK, unlink],
  [op.FUSE_RMDIR, rmdir],
  [op.FUSE_RENAME, rename],
  [op.FUSE_RENAME2, rename2],
  [op.FUSE_LINK, link],
  [op.FUSE_OPEN, open],
  [op.FUSE_CREATE, create],
  [op.FUSE_TMPFILE, tmpfile],
  [op.FUSE_READ, read],
  [op.FUSE_WRITE, write],
  [op.FUSE_RELEASE, release],
  [op.FUSE_FLUSH, flush],
  [op.FUSE_FSYNC, fsync],
  [op.FUSE_READDIR, readdir],
  [op.FUSE_READDIRPLUS, readdirplus],
  [op.FUSE_FSYNCDIR, fsyncdir],
  [op.FUSE_STATFS, statfs],
  [op.FUSE_GETXATTR, getxattr],
  [op.FUSE_LISTXATTR, listxattr],
  [op.FUSE_SETXATTR, setxattr],
  [op.FUSE_REMOVEXATTR, removexattr],
  [op.FUSE_FALLOCATE, fallocate],
  [op.FUSE_LSEEK, lseek],
  [op.FUSE_COPY_FILE_RANGE, copyFileRange],
  [op.FUSE_COPY_FILE_RANGE_64, copyFileRange64],
  [op.FUSE_STATX, statx],
  [op.FUSE_IOCTL, ioctl],
  // The kernel keeps directories by itself from the first ENOSYS on, and caches what they list.
  [op.FUSE_OPENDIR, () => -ENOSYS],
  [op.FUSE_RELEASEDIR, () => 0],
  [op.FUSE_DESTROY, () => 0],
]);

function table(rows: readonly (readonly [number, Handler])[]): (Handler | undefined)[] {
  const out = new Array<Handler | undefined>(64).fill(undefined);
  for (const [opcode, handler] of rows) out[opcode] = handler;
  return out;
}

function lookup({ fs, request, header, reply, records }: Exchange): number {
  decodeName(request, records.name);
  const { entry } = records;
  if (fs.lookup(header.nodeId, records.name.name, entry)) encodeEntry(reply, entry);
  else encodeNegativeEntry(reply, entry.ttlMs);
  return 0;
}

function forget({ fs, request, header, records }: Exchange): number {
  decodeForget(request, records.forget);
  fs.forget(header.nodeId, records.forget.nlookup);
  return NO_REPLY;
}

function batchForget({ fs, request }: Exchange): number {
  decodeBatchForget(request, (node, count) => fs.forget(node, count));
  return NO_REPLY;
}

function getattr({ fs, request, header, reply, records }: Exchange): number {
  decodeGetattr(request, records.getattr);
  fs.getattr(header.nodeId, records.getattr.handle, records.attr);
  encodeAttr(reply, records.attr);
  return 0;
}

/** Comes where a caller wants the time of birth, which no other answer has. */
function statx({ fs, request, header, reply, records }: Exchange): number {
  decodeStatx(request, records.statx);
  fs.getattr(header.nodeId, records.statx.handle, records.attr);
  encodeStatx(reply, records.attr);
  return 0;
}

/** What a setattr names; for one that names nothing see bare-chown.ts. */
const FATTR_MEANT =
  flag.FATTR_MODE |
  flag.FATTR_UID |
  flag.FATTR_GID |
  flag.FATTR_SIZE |
  flag.FATTR_ATIME |
  flag.FATTR_MTIME |
  flag.FATTR_KILL_SUIDGID;

function setattr({ fs, request, header, reply, records }: Exchange): number {
  const { setattr: wanted, change, attr } = records;
  decodeSetattr(request, wanted);
  const { valid } = wanted;
  change.mode = (valid & flag.FATTR_MODE) !== 0 ? wanted.mode : undefined;
  change.uid = (valid & flag.FATTR_UID) !== 0 ? wanted.uid : undefined;
  change.gid = (valid & flag.FATTR_GID) !== 0 ? wanted.gid : undefined;
  change.sizeBytes = (valid & flag.FATTR_SIZE) !== 0 ? wanted.size : undefined;
  change.atimeSec =
    (valid & flag.FATTR_ATIME_NOW) !== 0
      ? 'now'
      : (valid & flag.FATTR_ATIME) !== 0
        ? wanted.atimeSec
        : undefined;
  change.atimeNsec = wanted.atimeNsec;
  change.mtimeSec =
    (valid & flag.FATTR_MTIME_NOW) !== 0
      ? 'now'
      : (valid & flag.FATTR_MTIME) !== 0
        ? wanted.mtimeSec
        : undefined;
  change.mtimeNsec = wanted.mtimeNsec;
  change.killPriv = (valid & flag.FATTR_KILL_SUIDGID) !== 0;
  change.handle = (valid & flag.FATTR_FH) !== 0 ? wanted.handle : undefined;
  change.bareChown = (valid & FATTR_MEANT) === 0 && !records.removals.isForWrite(header.nodeId);
  if (change.bareChown && !mayDropSetId(fs, header.nodeId, records.caller)) {
    if (!records.writers.has(header.nodeId)) return -EPERM;
    change.bareChown = false;
  }
  const isChown = change.bareChown || (valid & (flag.FATTR_UID | flag.FATTR_GID)) !== 0;
  if (isChown && change.mode === undefined) {
    change.mode = modeAfterChown(fs, header.nodeId, records.caller);
  }
  fs.setattr(header.nodeId, change, attr, records.caller);
  records.removals.settled(header.nodeId);
  encodeAttr(reply, attr);
  return 0;
}

function readlink({ fs, header, reply }: Exchange): number {
  encodeName(reply, fs.readlink(header.nodeId));
  return 0;
}

function symlink({ fs, request, header, reply, records }: Exchange): number {
  decodeSymlink(request, records.symlink);
  records.creation.mode = S_IFLNK | 0o777;
  fs.symlink(header.nodeId, records.symlink.name, records.symlink.content, records.newEntry);
  encodeEntry(reply, records.entry);
  return 0;
}

function mknod({ fs, request, header, reply, records }: Exchange): number {
  const { mknod: wanted, creation } = records;
  decodeMknod(request, wanted);
  creation.mode = wanted.mode;
  creation.umask = wanted.umask;
  creation.rdevMajor = wanted.rdevMajor;
  creation.rdevMinor = wanted.rdevMinor;
  fs.mknod(header.nodeId, wanted.name, creation, records.newEntry);
  encodeEntry(reply, records.entry);
  return 0;
}

function mkdir({ fs, request, header, reply, records }: Exchange): number {
  const { mkdir: wanted, creation } = records;
  decodeMkdir(request, wanted);
  creation.mode = wanted.mode;
  creation.umask = wanted.umask;
  fs.mkdir(header.nodeId, wanted.name, creation, records.newEntry);
  encodeEntry(reply, records.entry);
  return 0;
}

function unlink({ fs, request, header, records }: Exchange): number {
  decodeName(request, records.name);
  fs.unlink(header.nodeId, records.name.name);
  return 0;
}

function rmdir({ fs, request, header, records }: Exchange): number {
  decodeName(request, records.name);
  fs.rmdir(header.nodeId, records.name.name);
  return 0;
}

function rename({ fs, request, header, records }: Exchange): number {
  decodeRename(request, records.rename);
  fs.rename(header.nodeId, records.rename.oldName, records.rename);
  return 0;
}

function rename2({ fs, request, header, records }: Exchange): number {
  decodeRename2(request, records.rename);
  fs.rename(header.nodeId, records.rename.oldName, records.rename);
  return 0;
}

function link({ fs, request, header, reply, records }: Exchange): number {
  decodeLink(request, records.link);
  fs.link(records.link.node, header.nodeId, records.link.name, records.entry);
  encodeEntry(reply, records.entry);
  return 0;
}

function open({ fs, request, header, reply, records }: Exchange): number {
  const { open: wanted, intent, opened } = records;
  decodeOpen(request, wanted);
  intent.pid = header.pid;
  intent.flags = wanted.flags;
  intent.killPriv = (wanted.openFlags & flag.FUSE_OPEN_KILL_SUIDGID) !== 0;
  opened.reset();
  fs.open(header.nodeId, intent, opened);
  records.writers.opened(header.nodeId, wanted.flags);
  encodeOpen(reply, opened);
  return 0;
}

function create({ fs, request, header, reply, records }: Exchange): number {
  const { create: wanted, creation, opened, entry } = records;
  decodeCreate(request, wanted);
  creation.mode = wanted.mode;
  creation.umask = wanted.umask;
  creation.flags = wanted.flags;
  opened.reset();
  fs.create(header.nodeId, wanted.name, creation, records.newFile);
  records.writers.opened(entry.nodeId, wanted.flags);
  encodeCreate(reply, entry, opened);
  return 0;
}

function tmpfile({ fs, request, header, reply, records }: Exchange): number {
  const { create: wanted, creation, opened, entry } = records;
  decodeTmpfile(request, wanted);
  creation.mode = wanted.mode;
  creation.umask = wanted.umask;
  creation.flags = wanted.flags;
  opened.reset();
  fs.tmpfile(header.nodeId, creation, records.newFile);
  records.writers.opened(entry.nodeId, wanted.flags);
  encodeCreate(reply, entry, opened);
  return 0;
}

function read({ fs, request, header, reply, records }: Exchange): number {
  const { read: wanted } = records;
  decodeRead(request, wanted);
  const end = Math.min(REPLY_BODY + wanted.size, reply.bytes.length);
  const into = reply.bytes.subarray(REPLY_BODY, end);
  encodeFilled(reply, fs.read(header.nodeId, wanted.handle, wanted.offset, into));
  return 0;
}

function write({ fs, request, header, reply, records }: Exchange): number {
  const { write: wanted, data } = records;
  decodeWrite(request, wanted);
  data.offset = wanted.offset;
  data.bytes = request.bytes.subarray(wanted.dataStart, wanted.dataStart + wanted.dataLength);
  data.killPriv = (wanted.writeFlags & flag.FUSE_WRITE_KILL_SUIDGID) !== 0;
  data.flags = wanted.flags;
  data.isWriteback = (wanted.writeFlags & flag.FUSE_WRITE_CACHE) !== 0;
  encodeWrite(reply, fs.write(header.nodeId, wanted.handle, data));
  return 0;
}

function release({ fs, request, header, records }: Exchange): number {
  decodeRelease(request, records.release);
  fs.release(header.nodeId, records.release.handle);
  records.writers.released(header.nodeId, records.release.flags);
  return 0;
}

function flush({ fs, request, header, records }: Exchange): number {
  decodeFlush(request, records.flush);
  fs.flush(header.nodeId, records.flush.handle);
  return 0;
}

/** FUSE_FSYNC_FDATASYNC. */
const DATA_ONLY = 1;

function fsync({ fs, request, header, records }: Exchange): number {
  decodeFsync(request, records.fsync);
  fs.fsync(header.nodeId, records.fsync.handle, (records.fsync.fsyncFlags & DATA_ONLY) !== 0);
  return 0;
}

function fsyncdir({ fs, request, header, records }: Exchange): number {
  decodeFsync(request, records.fsync);
  fs.fsyncdir(header.nodeId, (records.fsync.fsyncFlags & DATA_ONLY) !== 0);
  return 0;
}

function readdir({ fs, request, header, reply, records }: Exchange): number {
  decodeRead(request, records.read);
  records.dirents.begin(reply, records.read.size, false);
  fs.readdir(header.nodeId, records.read.offset, records.dirents);
  return 0;
}

function readdirplus({ fs, request, header, reply, records }: Exchange): number {
  decodeRead(request, records.read);
  records.dirents.begin(reply, records.read.size, true);
  fs.readdir(header.nodeId, records.read.offset, records.dirents);
  return 0;
}

function statfs({ fs, header, reply, records }: Exchange): number {
  fs.statfs(header.nodeId, records.statfs);
  encodeStatFs(reply, records.statfs);
  return 0;
}

/** Size 0 asks how long the answer is. */
function encodeSized(reply: ReplyBuffer, value: Uint8Array, size: number): number {
  if (size === 0) encodeXattrSize(reply, value.length);
  else if (value.length > size) return -ERANGE;
  else encodeBytes(reply, value);
  return 0;
}

function getxattr({ fs, request, header, reply, records }: Exchange): number {
  decodeGetxattr(request, records.getxattr);
  const { name, size } = records.getxattr;
  const value = fs.getxattr(header.nodeId, name);
  if (value !== undefined && name === 'security.capability') records.removals.asked(header, size);
  return value === undefined ? -ENODATA : encodeSized(reply, value, size);
}

function listxattr({ fs, request, header, reply, records }: Exchange): number {
  decodeListxattr(request, records.listxattr);
  return encodeSized(reply, fs.listxattr(header.nodeId, records.caller), records.listxattr.size);
}

function setxattr({ fs, request, header, records, setxattrExt }: Exchange): number {
  const { setxattr: wanted } = records;
  decodeSetxattr(request, wanted, setxattrExt);
  const value = request.bytes.subarray(wanted.valueStart, wanted.valueStart + wanted.valueLength);
  fs.setxattr(header.nodeId, wanted.name, value, wanted);
  return 0;
}

function removexattr({ fs, request, header, records }: Exchange): number {
  decodeName(request, records.name);
  const isCapability = records.name.name === 'security.capability';
  const { removals, caller } = records;
  if (isCapability && removals.isForChown(header) && !mayDropSetId(fs, header.nodeId, caller)) return -EPERM;
  fs.removexattr(header.nodeId, records.name.name);
  if (isCapability) removals.removed(header);
  return 0;
}

/**
 * Whether set-id bits go: HANDLE_KILLPRIV_V2 leaves them to us, and these two requests, unlike WRITE, do not say whether
 * the caller has CAP_FSETID (fs/fuse/file.c:fuse_file_fallocate() v6.18). A root without it is taken to have it.
 */
function killsPrivileges(header: RequestHeader): boolean {
  return header.uid !== 0;
}

function fallocate({ fs, request, header, records }: Exchange): number {
  decodeFallocate(request, records.fallocate);
  records.fallocate.killPriv = killsPrivileges(header);
  fs.fallocate(header.nodeId, records.fallocate.handle, records.fallocate);
  return 0;
}

function lseek({ fs, request, header, reply, records }: Exchange): number {
  const { lseek: wanted } = records;
  decodeLseek(request, wanted);
  encodeLseek(reply, fs.lseek(header.nodeId, wanted.handle, wanted.offset, wanted.whence));
  return 0;
}

function copyRange({ fs, request, header, records }: Exchange): number {
  decodeCopyFileRange(request, records.copy);
  records.copy.target.killPriv = killsPrivileges(header);
  return fs.copyFileRange(records.copy.source, records.copy.target, records.copy.length);
}

function copyFileRange(x: Exchange): number {
  encodeWrite(x.reply, copyRange(x));
  return 0;
}

function copyFileRange64(x: Exchange): number {
  encodeCopyFileRange64(x.reply, copyRange(x));
  return 0;
}
