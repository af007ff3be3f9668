/** read(2), write(2) and what else goes by a descriptor. There is no page cache: each call is a request, or goes to the backing file. */

import { readSync, writeSync } from 'node:fs';
import { EBADF, EINVAL, EISDIR, ENODEV, ENXIO, ESPIPE } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import {
  O_ACCMODE,
  O_APPEND,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_IFMT,
  S_IFREG,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from '../../../src/linux/constants.js';
import { type SyncScope, WriteData } from '../../../src/vfs/file-system.js';
import { truncate } from './attribute-calls.js';
import type { Inode } from './inode-cache.js';
import type { Description, Process } from './kernel-process.js';

function isRegular(inode: Inode): boolean {
  return (inode.attr.mode & S_IFMT) === S_IFREG;
}

/** @throws EBADF for a descriptor that does not read. */
function reader(process: Process, fd: number): Description {
  const description = process.description(fd);
  if ((description.flags & O_PATH) !== 0 || (description.flags & O_ACCMODE) === O_WRONLY)
    throw fsError(EBADF, 'read');
  if (description.inode.isDirectory) throw fsError(EISDIR, 'read');
  return description;
}

/** @throws EBADF for a descriptor that does not write. */
function writer(process: Process, fd: number): Description & { readonly handle: number } {
  const description = process.description(fd);
  const { flags, handle } = description;
  if ((flags & O_PATH) !== 0 || (flags & O_ACCMODE) === O_RDONLY) throw fsError(EBADF, 'write');
  if (handle === undefined) throw fsError(EINVAL, 'write');
  return description as Description & { readonly handle: number };
}

export function read(process: Process, fd: number, length: number, offset?: number): Buffer {
  const description = reader(process, fd);
  const { inode, handle, backing } = description;
  const into = Buffer.alloc(length);
  if (handle === undefined) return into.subarray(0, 0);
  const from = offset ?? description.offset;
  const count =
    backing >= 0
      ? readSync(backing, into, 0, length, from)
      : process.kernel.request(process.who, (fs) => fs.read(inode.node, handle, from, into));
  if (offset === undefined) description.offset += count;
  inode.invalidate();
  return into.subarray(0, count);
}

export function write(process: Process, fd: number, bytes: Uint8Array, offset?: number): number {
  const description = writer(process, fd);
  const { inode, flags } = description;
  const { kernel, who } = process;
  const appends = (flags & O_APPEND) !== 0;
  let at = offset ?? description.offset;
  if (appends) at = kernel.cache.attributes(who, inode).sizeBytes;
  dropCapabilities(process, inode);
  let written = 0;
  do {
    written += writePiece(process, description, bytes.subarray(written), at + written);
    inode.invalidate();
  } while (written < bytes.length);
  if (offset === undefined || appends) description.offset = at + written;
  return written;
}

function writePiece(
  { kernel, who }: Process,
  { inode, handle, backing, flags }: Description & { readonly handle: number },
  bytes: Uint8Array,
  at: number,
): number {
  if (backing >= 0) return writeSync(backing, bytes, 0, bytes.length, at);
  const data = new WriteData();
  return kernel.request(who, (fs) => {
    data.offset = at;
    data.bytes = bytes;
    data.killPriv = who.uid !== 0;
    data.flags = flags;
    return fs.write(inode.node, handle, data);
  });
}

/** Before a write the kernel takes away capabilities itself. Linux: fs/inode.c:file_remove_privs_flags(). */
function dropCapabilities({ kernel, who }: Process, inode: Inode): void {
  const found = kernel.request(who, (fs) => fs.getxattr(inode.node, 'security.capability'));
  if (found === undefined) return;
  kernel.request(who, (fs) => fs.removexattr(inode.node, 'security.capability'));
  inode.invalidate();
}

export function fsync(process: Process, fd: number, scope: SyncScope): void {
  const { inode, handle, flags } = process.description(fd);
  if ((flags & O_PATH) !== 0) throw fsError(EBADF, 'fsync');
  if (!inode.isDirectory && handle === undefined) throw fsError(EINVAL, 'fsync');
  process.kernel.request(process.who, (fs) => {
    if (handle === undefined) fs.fsyncdir(inode.node, scope);
    else fs.fsync(inode.node, handle, scope);
  });
}

export function lseek(process: Process, fd: number, offset: number, whence: number): number {
  const description = process.description(fd);
  const { inode, handle, flags } = description;
  const { kernel, who } = process;
  if ((flags & O_PATH) !== 0) throw fsError(EBADF, 'lseek');
  if (!inode.isDirectory && !isRegular(inode)) throw fsError(ESPIPE, 'lseek');
  const size = whence === SEEK_SET || whence === SEEK_CUR ? 0 : kernel.cache.attributes(who, inode).sizeBytes;
  let to: number;
  if (whence === SEEK_SET) to = offset;
  else if (whence === SEEK_CUR) to = description.offset + offset;
  else if (whence === SEEK_END) to = size + offset;
  else if (whence !== SEEK_DATA && whence !== SEEK_HOLE) throw fsError(EINVAL, 'lseek');
  else if (handle === undefined) throw fsError(EINVAL, 'lseek');
  else if (offset < 0 || offset >= size) throw fsError(ENXIO, 'lseek');
  else to = kernel.request(who, (fs) => fs.lseek(inode.node, handle, offset, whence));
  if (to < 0) throw fsError(EINVAL, 'lseek');
  description.offset = to;
  description.waiting.length = 0;
  return to;
}

export function fallocate(process: Process, fd: number, mode: number, offset: number, length: number): void {
  const { inode, handle } = writer(process, fd);
  if (offset < 0 || length <= 0) throw fsError(EINVAL, 'fallocate');
  if (!isRegular(inode)) throw fsError(ENODEV, 'fallocate');
  const killPriv = process.who.uid !== 0;
  dropCapabilities(process, inode);
  process.kernel.request(process.who, (fs) =>
    fs.fallocate(inode.node, handle, { mode, offset, length, killPriv }),
  );
  inode.invalidate();
}

export function copyFileRange(
  process: Process,
  source: { readonly fd: number; readonly offset: number },
  target: { readonly fd: number; readonly offset: number },
  length: number,
): number {
  const from = reader(process, source.fd);
  const to = writer(process, target.fd);
  if (from.handle === undefined) throw fsError(EINVAL, 'copy_file_range');
  if ((to.flags & O_APPEND) !== 0) throw fsError(EBADF, 'copy_file_range');
  const { kernel, who } = process;
  const end = kernel.cache.attributes(who, from.inode).sizeBytes;
  const most = Math.min(length, Math.max(0, end - source.offset));
  const overlaps = Math.abs(source.offset - target.offset) < most;
  if (from.inode === to.inode && overlaps) throw fsError(EINVAL, 'copy_file_range');
  if (most === 0) return 0;
  dropCapabilities(process, to.inode);
  const [fromHandle, toHandle] = [from.handle, to.handle];
  const copied = kernel.request(who, (fs) =>
    fs.copyFileRange(
      { node: from.inode.node, handle: fromHandle, offset: source.offset, killPriv: false },
      { node: to.inode.node, handle: toHandle, offset: target.offset, killPriv: who.uid !== 0 },
      most,
    ),
  );
  from.inode.invalidate();
  to.inode.invalidate();
  return copied;
}

export function ftruncate(process: Process, fd: number, size: number): void {
  const description = process.description(fd);
  const writes = (description.flags & O_ACCMODE) !== O_RDONLY && (description.flags & O_PATH) === 0;
  if ((description.flags & O_PATH) !== 0) throw fsError(EBADF, 'ftruncate');
  if (!writes) throw fsError(EINVAL, 'ftruncate');
  truncate(process, description.inode, size, description.handle);
}
