/**
 * The data of a copy-up: into a new file in the work directory, or into a copy that had metadata only.
 *
 * Small data is copied in the loop where the disk is quick, more by a helper thread (`Wait`); of several requests for one file the first to
 * come back finishes, unless it needs more than was copied: one that was to be shortened. The data is on disk before the
 * file can show it, unless the union is volatile.
 */

import { ENODATA, EOPNOTSUPP } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { O_RDONLY, O_RDWR, XATTR_NAME_CAPS } from '../../linux/constants.js';
import { ftruncate } from '../../linux/files/inode.js';
import { close } from '../../linux/files/open.js';
import { Statx } from '../../linux/files/statx.js';
import { getxattrAt, removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import { copyData, tryClone } from '../../realfs/copy-data.js';
import { Place } from '../../realfs/real-object.js';
import { Wait } from '../../vfs/wait.js';
import { Temporary } from '../form/temporary.js';
import type { UnionNode } from '../nodes/node.js';
import type { PendingCopy } from '../nodes/pending-copies.js';
import type { UnionState } from '../nodes/union-state.js';
import { indexNameOf } from '../stack/index-directory.js';

/**
 * Data up to here is copied in the loop, while the disk is quick; more is a job: 1 MiB takes about as long as a hundred lookups.
 * While the disk is slow nobody else waits for it, and helpers sync the copies of several callers at once.
 */
const INLINE_COPY_BYTES = 1024 * 1024;

const at = new Place();
const found = new Statx();
const EMPTY = new Uint8Array(0);

/**
 * A file of the right length without data, to be marked by `markMetacopy`.
 * @param source the node's object.
 * @returns undefined where that saves nothing or cannot be found again: empty files.
 */
export function buildMetadata(state: UnionState, node: UnionNode, source: Statx): Temporary | undefined {
  if (source.sizeBytes === 0 || (source.nlink > 1 && !canBeIndexed(state, node))) return undefined;
  const { temporary, fd } = Temporary.file(state.stack.work!);
  let done = false;
  try {
    check(ftruncate(fd, source.sizeBytes), 'copy-up', node.name);
    done = true;
    return temporary;
  } finally {
    temporary.closeFile(fd);
    if (!done) temporary.discard();
  }
}

/**
 * The last attribute that a copy without data gets, as in overlayfs: what has no room in an inode of ext4 lies in a block, and
 * blocks of the same content are one. With the origin in it, each copy would take a block of its own.
 */
export function markMetacopy(state: UnionState, { dirfd, name }: Temporary): void {
  check(setxattrAt(dirfd, name, state.stack.xattrs.metacopy, EMPTY, 0), 'setxattr', 'metacopy');
}

function canBeIndexed(state: UnionState, node: UnionNode): boolean {
  return !node.byName && indexNameOf(state.stack, state.objects.homeOf(node), node.name) !== undefined;
}

/**
 * A file with the first `sizeLimit` bytes of the node's data, and what the node's object was before they were read.
 * @param source the node's object; kept while a helper thread copies.
 * @throws Wait
 */
export function buildData(
  state: UnionState,
  node: UnionNode,
  sizeLimit: number,
  source: Statx,
): { readonly temporary: Temporary; readonly source: Statx } {
  const finished = finishPending(state, node, sizeLimit);
  if (finished?.temporary !== undefined) return { temporary: finished.temporary, source: finished.before };
  const { temporary, fd } = Temporary.file(state.stack.work!);
  let kept = false;
  try {
    transfer(state, node, { targetFd: fd, temporary, source, sizeLimit });
    kept = true;
    return { temporary, source };
  } catch (error) {
    if (error instanceof Wait) kept = true;
    throw error;
  } finally {
    if (!kept) temporary.discard();
  }
}

/**
 * Copies data into the node's file in upper, which had metadata only; its times and capabilities stay.
 * @returns what the file was before.
 * @throws Wait
 */
export function fillInPlace(state: UnionState, node: UnionNode, sizeLimit: number): Statx {
  const { pendingCopies, objects } = state;
  const isFilled = finishPending(state, node, sizeLimit) !== undefined;
  const before = pendingCopies.before(node) ?? new Statx();
  if (pendingCopies.before(node) === undefined) {
    objects.statNode(node, before);
    pendingCopies.beginFilling(node, { stat: before, capability: readCapability(state, node) });
  }
  if (!isFilled) fill(state, node, { source: before, sizeLimit });
  pendingCopies.restore(node);
  objects.locate(node, at);
  check(removexattrAt(at.dirfd, at.name, state.stack.xattrs.metacopy), 'removexattr', 'metacopy');
  return before;
}

/** @throws Wait; FsError, and the file is what it was before, unless the disk refuses that too. */
function fill(state: UnionState, node: UnionNode, from: Pick<Transfer, 'source' | 'sizeLimit'>): void {
  try {
    const targetFd = state.objects.open(node, O_RDWR);
    transfer(state, node, { ...from, targetFd, temporary: undefined });
  } catch (error) {
    if (error instanceof Wait) throw error;
    state.objects.statNode(node, found);
    state.pendingCopies.restoreWritten(node, found);
    throw error;
  }
}

const capabilityRoom = Buffer.allocUnsafeSlow(64);

/** What writing takes away from the file in upper. */
function readCapability(state: UnionState, node: UnionNode): Buffer | undefined {
  state.objects.locate(node, at);
  const length = getxattrAt(at.dirfd, at.name, XATTR_NAME_CAPS, capabilityRoom);
  if (length !== -ENODATA && length !== -EOPNOTSUPP) check(length, 'getxattr', XATTR_NAME_CAPS);
  return length > 0 ? Buffer.from(capabilityRoom.subarray(0, length)) : undefined;
}

interface Transfer {
  /** Closed when the transfer is over, but for one that names the temporary. */
  readonly targetFd: number;
  readonly temporary: Temporary | undefined;
  /** The node's; kept where a helper thread copies. */
  readonly source: Statx;
  /** How much of the data is wanted. */
  readonly sizeLimit: number;
}

function transfer(state: UnionState, node: UnionNode, to: Transfer): void {
  const { targetFd, temporary, source } = to;
  const sizeBytes = Math.min(source.sizeBytes, to.sizeLimit);
  const whole = sizeBytes === source.sizeBytes;
  const { session, pace } = state.files;
  let sourceFd = -1;
  let pending = false;
  try {
    if (sizeBytes === 0) return;
    sourceFd = state.objects.openData(node, O_RDONLY);
    if (isInline(state, sizeBytes)) check(copyData(sourceFd, targetFd, sizeBytes), 'copy-up', node.name);
    else if (!whole || !tryClone(sourceFd, targetFd)) {
      const durable = !state.volatile;
      const job = session!.startJob({
        kind: 'copy',
        source: sourceFd,
        target: targetFd,
        sizeBytes,
        durable,
      });
      if (sizeBytes <= INLINE_COPY_BYTES) pace.began(job);
      state.pendingCopies.set(node, {
        job,
        sourceFd,
        targetFd,
        temporary,
        sizeBytes,
        before: source,
      });
      pending = true;
      throw new Wait(job);
    }
    if (!state.volatile) check(pace.sync(targetFd, 'data'), 'fsync', node.name);
  } finally {
    if (!pending) {
      if (temporary === undefined) close(targetFd);
      else temporary.closeFile(targetFd);
      if (sourceFd >= 0) close(sourceFd);
    }
  }
}

function isInline({ files, volatile }: UnionState, sizeBytes: number): boolean {
  return sizeBytes <= INLINE_COPY_BYTES && (volatile || files.session === undefined || files.pace.isQuick);
}

/**
 * @param sizeLimit what is needed of the data.
 * @returns what a helper thread copied for the node; undefined when none was asked, or for less than is needed.
 * @throws Wait, FsError of the copy.
 */
function finishPending(state: UnionState, node: UnionNode, sizeLimit: number): PendingCopy | undefined {
  const pending = state.pendingCopies.get(node);
  if (pending === undefined) return undefined;
  if (!pending.job.done) throw new Wait(pending.job);
  state.files.pace.ended(pending.job);
  if (pending.job.result === 0 && pending.sizeBytes >= Math.min(pending.before.sizeBytes, sizeLimit)) {
    state.pendingCopies.take(node, pending);
    return pending;
  }
  state.pendingCopies.abandon(node, pending);
  check(pending.job.result, 'copy-up', node.name);
  return undefined;
}
