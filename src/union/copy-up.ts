/**
 * Copy-up: an object of a lower gets its copy in upper before its first change.
 *
 * Built whole in the work directory and renamed to its place, the data on disk before the name: a crash leaves the
 * lower object visible or the complete copy. Linux: fs/overlayfs/copy_up.c:ovl_copy_up_one() v6.18.
 *
 * PRECONDITION: the union is writable; callers asserted it.
 * INVARIANT: nothing irrevocable happens before `Wait` is thrown: a half-made copy lies in the work directory only.
 */

import { ENOENT } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { copyData, tryClone } from '../files/copy-data.js';
import { chmodAt, chownAt, utimesAt } from '../files/real-object.js';
import {
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from '../linux/constants.js';
import { fdatasync } from '../linux/data.js';
import { mkdirat, mknodat, readlinkat, renameat2, symlinkat } from '../linux/directory.js';
import { Times } from '../linux/inode.js';
import { close, openat } from '../linux/open.js';
import { Statx } from '../linux/statx.js';
import { setxattrAt } from '../linux/xattr.js';
import type { Name } from '../vfs/name.js';
import { Wait } from '../vfs/wait.js';
import { copyXattrs } from './copy-xattrs.js';
import { RealDirectory } from './layer.js';
import { attachNode, indexNode } from './lookup.js';
import type { UnionNode } from './node.js';
import { originRecord, setImpure } from './origin.js';
import type { UnionState } from './union-state.js';

/** Data up to here is copied in the loop; more is a job: 1 MiB takes about as long as a hundred lookups. */
const INLINE_COPY_BYTES = 1024 * 1024;

const source = new Statx();
const times = new Times();

/** Whether the node's topmost object lies in upper. */
export function inUpper(state: UnionState, node: UnionNode): boolean {
  return node.layer === state.upper;
}

/**
 * The directory of upper behind the node, made with all its parents when it is not there yet.
 * @throws ENOENT when the directory was removed.
 */
export function ensureUpper(state: UnionState, node: UnionNode): RealDirectory {
  const dirs = state.directories(node);
  const top = dirs[0]!;
  if (top.layer === state.upper) return top;
  if (node.removed || node.parent === undefined) throw fsError(ENOENT, 'copy-up', node.name);
  const parentDir = ensureUpper(state, node.parent);
  const temporary = build(state, node, (workFd, name) => mkdirat(workFd, name, 0o700));
  state.statNode(node, source);
  install(state, node, parentDir, temporary);
  const made = new RealDirectory(parentDir.layer, parentDir, node.name);
  state.unindex(node);
  dirs.unshift(made);
  adopt(state, node);
  return made;
}

/**
 * Copies the node up unless it is in upper already.
 * @param sizeLimit copy no more than that much data; 0 for a file about to be truncated.
 * @throws Wait while a helper thread copies the data.
 */
export function copyUp(state: UnionState, node: UnionNode, sizeLimit = Number.MAX_SAFE_INTEGER): void {
  if (inUpper(state, node)) return;
  if (node.isDirectory) {
    ensureUpper(state, node);
    return;
  }
  if (node.removed || node.parent === undefined) throw fsError(ENOENT, 'copy-up', node.name);
  const parentDir = ensureUpper(state, node.parent);
  const temporary = buildFile(state, node, sizeLimit);
  state.statNode(node, source);
  keepReaders(state, node);
  install(state, node, parentDir, temporary);
  state.unindex(node);
  adopt(state, node);
  // Reads that come to us continue in the copy, so that every open sees the same file.
  state.files.reopen(node);
}

/** The node's object is the one in upper from now on. */
function adopt(state: UnionState, node: UnionNode): void {
  node.layer = state.upper!;
  node.byName = false;
  state.statNode(node, state.other);
  node.realIno = state.other.ino;
  indexNode(node, false);
}

/** Opens of the lower file go on with its data in the kernel: the backing file stays until the last is released. */
function keepReaders(state: UnionState, node: UnionNode): void {
  if (node.backingId === 0) return;
  if (node.openCount > 0) {
    node.backingFd = state.open(node, O_PATH);
    node.backingOutdated = true;
  } else {
    state.files.dropBacking(node);
  }
}

/**
 * Gives the file in upper a node of its own, and leaves the old node to those who have the lower file open.
 *
 * PRECONDITION: the node was copied up while the kernel reads the lower file for open descriptors (`backingOutdated`).
 */
export function splitReaders(state: UnionState, node: UnionNode): void {
  const parent = node.parent!;
  state.unindex(node);
  state.statNode(node, state.stat);
  attachNode(state, parent, node.name, { layer: node.layer, ino: node.ino, realIno: node.realIno }, false);
  node.orphanFd = node.backingFd;
  node.backingFd = -1;
  node.backingOutdated = false;
  node.outdated = true;
}

function buildFile(state: UnionState, node: UnionNode, sizeLimit: number): Name {
  const type = node.mode & S_IFMT;
  if (type === S_IFREG) return buildRegular(state, node, sizeLimit);
  return build(state, node, (workFd, name) => {
    if (type !== S_IFLNK) return mknodat(workFd, name, type, source.rdevMajor, source.rdevMinor);
    const content = readlinkat(state.locate(node), state.locatedName);
    return typeof content === 'number' ? content : symlinkat(content, workFd, name);
  });
}

/** Makes the object in the work directory; its attributes follow in `install`. */
function build(state: UnionState, node: UnionNode, make: (workFd: number, name: Name) => number): Name {
  const work = state.work!;
  const name = work.temporaryName();
  state.statNode(node, source);
  check(make(work.fd, name), 'copy-up', node.name);
  return name;
}

function buildRegular(state: UnionState, node: UnionNode, sizeLimit: number): Name {
  const work = state.work!;
  const pending = state.pendingCopies.get(node);
  if (pending !== undefined) {
    if (!pending.job.done) throw new Wait(pending.job);
    state.pendingCopies.delete(node);
    close(pending.sourceFd);
    close(pending.targetFd);
    if (pending.job.result < 0) {
      work.remove(pending.temporary);
      check(pending.job.result, 'copy-up', node.name);
    }
    return pending.temporary;
  }
  state.statNode(node, source);
  const sizeBytes = Math.min(source.sizeBytes, sizeLimit);
  const temporary = work.temporaryName();
  const targetFd = check(
    openat(work.fd, temporary, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0o600),
    'copy-up',
    node.name,
  );
  let kept = false;
  let sourceFd = -1;
  try {
    if (sizeBytes > 0) {
      sourceFd = state.open(node, O_RDONLY);
      if (
        sizeBytes > INLINE_COPY_BYTES &&
        !(sizeBytes === source.sizeBytes && tryClone(sourceFd, targetFd))
      ) {
        const job = state.files.session!.startJob({
          kind: 'copy',
          source: sourceFd,
          target: targetFd,
          sizeBytes,
          durable: !state.volatile,
        });
        state.pendingCopies.set(node, { job, sourceFd, targetFd, temporary });
        kept = true;
        throw new Wait(job);
      }
      if (sizeBytes <= INLINE_COPY_BYTES)
        check(copyData(sourceFd, targetFd, sizeBytes), 'copy-up', node.name);
      if (!state.volatile) check(fdatasync(targetFd), 'fsync', node.name);
    }
    kept = true;
    return temporary;
  } finally {
    if (!state.pendingCopies.get(node)) {
      close(targetFd);
      if (sourceFd >= 0) close(sourceFd);
    }
    if (!kept) work.remove(temporary);
  }
}

/**
 * Gives the copy the attributes of its original (`source`), and its name in upper, whose directory keeps its times.
 */
function install(state: UnionState, node: UnionNode, parentDir: RealDirectory, temporary: Name): void {
  const work = state.work!;
  let done = false;
  try {
    setAttributes(state, node, temporary);
    const origin = recordOrigin(state, node, temporary);
    const parentFd = state.descriptor(parentDir);
    const parent = node.parent!;
    state.statNode(parent, state.other);
    times.atimeSec = state.other.atimeSec;
    times.atimeNsec = state.other.atimeNsec;
    times.mtimeSec = state.other.mtimeSec;
    times.mtimeNsec = state.other.mtimeNsec;
    if (origin) setImpure(state, parent);
    const upperFd = parentFd === parentDir.fd ? parentFd : state.descriptor(parentDir);
    check(renameat2(work.fd, temporary, upperFd, node.name, 0), 'copy-up', node.name);
    done = true;
    utimesAt(upperFd, '', times);
  } finally {
    if (!done) work.remove(temporary);
  }
}

function setAttributes(state: UnionState, node: UnionNode, temporary: Name): void {
  const work = state.work!;
  const type = source.mode & S_IFMT;
  const owned = chownAt(work.fd, temporary, source.uid, source.gid);
  // Without privileges the copy belongs to the serving user, who is the only one to use the mount.
  if (owned < 0 && state.callerIds.enabled) check(owned, 'chown', node.name);
  const fd = state.locate(node);
  copyXattrs({ dirfd: fd, name: state.locatedName }, { dirfd: work.fd, name: temporary });
  if (type !== S_IFLNK) chmodAt(work.fd, temporary, source.mode & 0o7777);
  times.atimeSec = source.atimeSec;
  times.atimeNsec = source.atimeNsec;
  times.mtimeSec = source.mtimeSec;
  times.mtimeNsec = source.mtimeNsec;
  utimesAt(work.fd, temporary, times);
}

/** @returns whether the copy now tells where it came from. */
function recordOrigin(state: UnionState, node: UnionNode, temporary: Name): boolean {
  const type = source.mode & S_IFMT;
  const takesXattr = state.xattrs.namespace === 'trusted' || type === S_IFREG || type === S_IFDIR;
  if (!takesXattr) return false;
  const fd = state.locate(node);
  const record = originRecord(fd, state.locatedName, node.layer.uuid);
  if (record === undefined) return false;
  return setxattrAt(state.work!.fd, temporary, state.xattrs.origin, record, 0) === 0;
}
