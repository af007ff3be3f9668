/**
 * The data of a copy-up: into a new file in the work directory, or into a copy that had metadata only.
 *
 * Small data is copied in the loop, more by a helper thread (`Wait`); of several requests for one file the first to
 * come back finishes, unless it needs more than was copied: one that was to be shortened. The data is on disk before the
 * file can show it, unless the union is volatile.
 */

import { check } from '../errno/fs-error.js';
import { copyData, tryClone } from '../files/copy-data.js';
import { utimesAt } from '../files/real-object.js';
import { O_RDONLY, O_RDWR } from '../linux/constants.js';
import { fdatasync } from '../linux/data.js';
import { ftruncate } from '../linux/inode.js';
import { close } from '../linux/open.js';
import { Statx } from '../linux/statx.js';
import { fsetxattr, getxattrAt, removexattrAt, setxattrAt } from '../linux/xattr.js';
import { Wait } from '../vfs/wait.js';
import { indexNameOf } from './index-directory.js';
import type { UnionNode } from './node.js';
import { CAPABILITY, type PendingCopy, timesOf } from './pending-copies.js';
import { Temporary } from './temporary.js';
import type { UnionState } from './union-state.js';

/** Data up to here is copied in the loop; more is a job: 1 MiB takes about as long as a hundred lookups. */
const INLINE_COPY_BYTES = 1024 * 1024;

const source = new Statx();
const EMPTY = new Uint8Array(0);

/**
 * A file of the right length without data, marked metacopy.
 * @returns undefined where that saves nothing or cannot be found again: empty files.
 */
export function buildMetadata(state: UnionState, node: UnionNode): Temporary | undefined {
  state.statNode(node, source);
  if (source.sizeBytes === 0 || (source.nlink > 1 && !canBeIndexed(state, node))) return undefined;
  const { temporary, fd } = Temporary.file(state.work!);
  let done = false;
  try {
    check(ftruncate(fd, source.sizeBytes), 'copy-up', node.name);
    check(fsetxattr(fd, state.xattrs.metacopy, EMPTY, 0), 'setxattr', 'metacopy');
    done = true;
    return temporary;
  } finally {
    close(fd);
    if (!done) temporary.discard();
  }
}

function canBeIndexed(state: UnionState, node: UnionNode): boolean {
  return !node.byName && indexNameOf(state, state.homeOf(node), node.name) !== undefined;
}

/** A file with the first `sizeLimit` bytes of the node's data. @throws Wait */
export function buildData(state: UnionState, node: UnionNode, sizeLimit: number): Temporary {
  state.statNode(node, source);
  const sizeBytes = Math.min(source.sizeBytes, sizeLimit);
  const finished = finishPending(state, node, sizeBytes);
  if (finished?.temporary !== undefined) return finished.temporary;
  const { temporary, fd } = Temporary.file(state.work!);
  let kept = false;
  try {
    transfer(state, node, { targetFd: fd, temporary, sizeBytes });
    kept = true;
    return temporary;
  } catch (error) {
    if (error instanceof Wait) kept = true;
    throw error;
  } finally {
    if (!kept) temporary.discard();
  }
}

/**
 * Copies data into the node's file in upper, which had metadata only; its times and capabilities stay.
 * @returns what the file was before; valid until the next call.
 * @throws Wait
 */
export function fillInPlace(state: UnionState, node: UnionNode, sizeLimit: number): Statx {
  state.statNode(node, source);
  const sizeBytes = Math.min(source.sizeBytes, sizeLimit);
  const finished = finishPending(state, node, sizeBytes);
  const capability = finished === undefined ? readCapability(state, node) : finished.capability;
  if (finished === undefined) {
    const targetFd = state.open(node, O_RDWR);
    transfer(state, node, { targetFd, temporary: undefined, capability, sizeBytes });
  }
  const before = finished?.before ?? source;
  const fd = state.locate(node);
  const name = state.locatedName;
  if (capability !== undefined)
    check(setxattrAt(fd, name, CAPABILITY, capability, 0), 'setxattr', CAPABILITY);
  utimesAt(fd, name, timesOf(before));
  check(removexattrAt(fd, name, state.xattrs.metacopy), 'removexattr', 'metacopy');
  return before;
}

const capabilityRoom = Buffer.allocUnsafeSlow(64);

/** What writing takes away from the file in upper. */
function readCapability(state: UnionState, node: UnionNode): Buffer | undefined {
  const fd = state.locate(node);
  const length = getxattrAt(fd, state.locatedName, CAPABILITY, capabilityRoom);
  return length > 0 ? Buffer.from(capabilityRoom.subarray(0, length)) : undefined;
}

interface Transfer {
  /** Closed when the transfer is over. */
  readonly targetFd: number;
  readonly temporary: Temporary | undefined;
  /** Of a target that has one. */
  readonly capability?: Buffer | undefined;
  readonly sizeBytes: number;
}

/** PRECONDITION: `source` is the node's. */
function transfer(state: UnionState, node: UnionNode, to: Transfer): void {
  const { targetFd, temporary, capability, sizeBytes } = to;
  const whole = sizeBytes === source.sizeBytes;
  let sourceFd = -1;
  let pending = false;
  try {
    if (sizeBytes === 0) return;
    sourceFd = state.openData(node, O_RDONLY);
    if (sizeBytes <= INLINE_COPY_BYTES) check(copyData(sourceFd, targetFd, sizeBytes), 'copy-up', node.name);
    else if (!whole || !tryClone(sourceFd, targetFd)) {
      const durable = !state.volatile;
      const before = new Statx();
      before.bytes.set(source.bytes);
      const job = state.files.session!.startJob({
        kind: 'copy',
        source: sourceFd,
        target: targetFd,
        sizeBytes,
        durable,
      });
      state.pendingCopies.set(node, { job, sourceFd, targetFd, temporary, sizeBytes, before, capability });
      pending = true;
      throw new Wait(job);
    }
    if (!state.volatile) check(fdatasync(targetFd), 'fsync', node.name);
  } finally {
    if (!pending) {
      close(targetFd);
      if (sourceFd >= 0) close(sourceFd);
    }
  }
}

/**
 * @param sizeBytes what is needed of the data.
 * @returns what a helper thread copied for the node; undefined when none was asked, or for less than is needed.
 * @throws Wait, FsError of the copy.
 */
function finishPending(state: UnionState, node: UnionNode, sizeBytes: number): PendingCopy | undefined {
  const pending = state.pendingCopies.get(node);
  if (pending === undefined) return undefined;
  if (!pending.job.done) throw new Wait(pending.job);
  if (pending.job.result === 0 && pending.sizeBytes >= sizeBytes) {
    state.pendingCopies.take(node, pending);
    return pending;
  }
  state.pendingCopies.abandon(node, pending);
  check(pending.job.result, 'copy-up', node.name);
  state.statNode(node, source);
  return undefined;
}
