/**
 * Open files: open, read, write and what else needs a descriptor.
 *
 * With passthrough an open registers the file with the kernel once for each inode; reads, writes and mmap then never
 * come here. Without it, and for what the kernel leaves to us even so (fallocate, fsync, copies), the node has one
 * descriptor for reading and one for writing, shared by all opens, so that all see the same file after a copy-up.
 *
 * INVARIANT: all opens of a node that the kernel has at one time name the same backing file (fs/fuse/iomode.c v6.18).
 * INVARIANT: a file with setuid, setgid or capabilities is opened for writing with direct I/O, since only a write that
 * comes here can take them away.
 */

import { EISDIR } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import {
  O_ACCMODE,
  O_DIRECTORY,
  O_DSYNC,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  S_ISGID,
  S_ISUID,
} from '../linux/constants.js';
import { copyFileRange, fallocate, fdatasync, lseek, pread, pwrite } from '../linux/data.js';
import { close, dup, openat } from '../linux/open.js';
import { getxattrAt } from '../linux/xattr.js';
import type { Opened } from '../vfs/attr.js';
import type { FallocateRange, OpenIntent, WriteData } from '../vfs/file-system.js';
import { Wait } from '../vfs/wait.js';
import type { UnionNode } from './node.js';
import { openAt } from './real-object.js';
import { killPrivileges, prepareWrite, truncate } from './set-attributes.js';
import type { UnionState } from './union-state.js';

/** Backing ids that unopened files keep; beyond it an id goes with the last release. Each holds a kernel file open. */
const KEPT_BACKINGS = 16_384;

export function open(state: UnionState, node: UnionNode, intent: OpenIntent, out: Opened): void {
  if (node.isDirectory) throw fsError(EISDIR, 'open', node.name);
  const truncates = (intent.flags & O_TRUNC) !== 0;
  const writes = (intent.flags & O_ACCMODE) !== O_RDONLY || truncates;
  if (writes) {
    state.assertWritable('open');
    prepareWrite(state, node, truncates ? 0 : Number.MAX_SAFE_INTEGER);
    if (truncates) truncate(state, node, 0);
    if (truncates && intent.killPriv) killPrivileges(state, node);
  }
  if (!openBacking(state, node, writes, out)) {
    if (writes) writeDescriptor(state, node);
    if ((intent.flags & O_ACCMODE) !== O_WRONLY) readDescriptor(state, node);
  }
  node.openCount++;
}

/** Opens what `create` or `tmpfile` made; takes the descriptor over. */
export function openCreated(state: UnionState, node: UnionNode, fd: number, out: Opened): void {
  node.openCount++;
  if (node.writeFd < 0) node.writeFd = fd;
  else close(fd);
  openBacking(state, node, true, out);
}

/** Lets the kernel read and write the file itself. @returns false where it cannot. */
function openBacking(state: UnionState, node: UnionNode, writes: boolean, out: Opened): boolean {
  const session = state.session;
  if (session === undefined || !session.passthrough || node.refusesBacking) return false;
  if (node.backingOutdated && node.openCount === 0) dropBacking(state, node);
  if (node.backingId === 0) {
    // Once opened without a backing file, an inode stays so until the last release.
    if (node.openCount > 0 && node.readFd >= 0 && !node.opensBacked) return false;
    const fd = node.writeFd >= 0 ? node.writeFd : state.openPath(node);
    const id = session.openBacking(fd);
    if (fd !== node.writeFd) close(fd);
    if (id <= 0) {
      node.refusesBacking = true;
      return false;
    }
    node.backingId = id;
    state.backings++;
  }
  node.opensBacked = true;
  out.backingId = node.backingId;
  if (writes && losesPrivileges(state, node)) out.directIo = true;
  return true;
}

function dropBacking(state: UnionState, node: UnionNode): void {
  if (node.backingId !== 0) {
    state.session?.closeBacking(node.backingId);
    state.backings--;
  }
  node.backingId = 0;
  node.backingOutdated = false;
  if (node.backingFd >= 0) close(node.backingFd);
  node.backingFd = -1;
}

const capability = Buffer.alloc(64);

function losesPrivileges(state: UnionState, node: UnionNode): boolean {
  if ((node.mode & (S_ISUID | S_ISGID)) !== 0) return true;
  if (node.hasCapability === undefined) {
    const fd = state.locate(node);
    node.hasCapability = getxattrAt(fd, state.locatedName, 'security.capability', capability) > 0;
  }
  return node.hasCapability;
}

export function release(state: UnionState, node: UnionNode): void {
  node.openCount--;
  if (node.openCount > 0) return;
  if (node.readFd >= 0) close(node.readFd);
  if (node.writeFd >= 0) close(node.writeFd);
  node.readFd = -1;
  node.writeFd = -1;
  node.opensBacked = false;
  if (node.backingOutdated || (node.backingId !== 0 && state.backings > KEPT_BACKINGS))
    dropBacking(state, node);
}

export function readDescriptor(state: UnionState, node: UnionNode): number {
  if (node.readFd < 0) {
    const fd = state.locate(node);
    node.readFd = check(openAt(fd, state.locatedName, O_RDONLY), 'open', node.name);
  }
  return node.readFd;
}

function writeDescriptor(state: UnionState, node: UnionNode): number {
  if (node.writeFd < 0) {
    const fd = state.locate(node);
    node.writeFd = check(openAt(fd, state.locatedName, O_WRONLY), 'open', node.name);
  }
  return node.writeFd;
}

export function read(state: UnionState, node: UnionNode, offset: number, into: Uint8Array): number {
  const fd = readDescriptor(state, node);
  let total = 0;
  while (total < into.length) {
    const length = check(
      pread(fd, total === 0 ? into : into.subarray(total), offset + total),
      'read',
      node.name,
    );
    if (length === 0) break;
    total += length;
  }
  return total;
}

export function write(state: UnionState, node: UnionNode, data: WriteData): number {
  const fd = writeDescriptor(state, node);
  if (data.killPriv) killPrivileges(state, node);
  const length = check(pwrite(fd, data.bytes, data.offset), 'write', node.name);
  if ((data.flags & O_DSYNC) !== 0) check(fdatasync(fd), 'fsync', node.name);
  return length;
}

/** @throws Wait until a helper thread has written the file to disk. */
export function fsync(state: UnionState, node: UnionNode, dataOnly: boolean): void {
  if (finishedSync(state, node)) return;
  const fd = check(dup(node.writeFd >= 0 ? node.writeFd : readDescriptor(state, node)), 'fsync', node.name);
  node.syncJob = state.session!.startJob({ kind: 'fsync', fd, dataOnly });
  throw new Wait(node.syncJob);
}

/** The same for a directory. */
export function fsyncDirectory(state: UnionState, node: UnionNode, dataOnly: boolean): void {
  if (node.layer !== state.upper) return;
  if (finishedSync(state, node)) return;
  const top = state.directories(node)[0]!;
  const fd = check(openat(state.descriptor(top), '.', O_RDONLY | O_DIRECTORY), 'fsync', node.name);
  node.syncJob = state.session!.startJob({ kind: 'fsync', fd, dataOnly });
  throw new Wait(node.syncJob);
}

/** Whether the job that this very request waited for is done; one left by an interrupted request does not count. */
function finishedSync(state: UnionState, node: UnionNode): boolean {
  const job = node.syncJob;
  if (job === undefined || state.session?.replaying !== true) return false;
  if (!job.done) throw new Wait(job);
  node.syncJob = undefined;
  check(job.result, 'fsync', node.name);
  return true;
}

export function allocate(state: UnionState, node: UnionNode, range: FallocateRange): void {
  const fd = writeDescriptor(state, node);
  check(fallocate(fd, range.mode, range.offset, range.length), 'fallocate', node.name);
}

export function seek(state: UnionState, node: UnionNode, offset: number, whence: number): number {
  return check(lseek(readDescriptor(state, node), offset, whence), 'lseek', node.name);
}

export interface CopyEndpoint {
  readonly node: UnionNode;
  readonly offset: number;
}

export function copyRange(
  state: UnionState,
  source: CopyEndpoint,
  target: CopyEndpoint,
  length: number,
): number {
  const from = readDescriptor(state, source.node);
  const to = writeDescriptor(state, target.node);
  const bytes = Math.min(length, COPY_PIECE_BYTES);
  return check(
    copyFileRange(from, source.offset, to, target.offset, bytes),
    'copy_file_range',
    target.node.name,
  );
}

/** Copied in one request; the kernel asks again for the rest, and other requests come between. */
const COPY_PIECE_BYTES = 8 * 1024 * 1024;
