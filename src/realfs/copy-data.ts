/**
 * Copies the data of a file with its holes: by a reflink where the file system has it, else extent by extent inside
 * the kernel. Plain syscalls on two descriptors, so that the loop and the helper thread both use it.
 */

import { EINVAL, ENOSYS, ENXIO, EOPNOTSUPP, EXDEV } from '../errno/errno.js';
import { SEEK_DATA, SEEK_HOLE } from '../linux/constants.js';
import { copyFileRange, ficlone, lseek, pread, pwrite } from '../linux/files/data.js';
import { ftruncate } from '../linux/files/inode.js';

/** Whether the target now shares the source's blocks. */
export function tryClone(sourceFd: number, targetFd: number): boolean {
  return ficlone(targetFd, sourceFd) === 0;
}

/**
 * Copies the first `sizeBytes` bytes; the target is as long afterwards.
 * @returns 0, or a negated errno.
 */
export function copyData(sourceFd: number, targetFd: number, sizeBytes: number): number {
  let position = 0;
  while (position < sizeBytes) {
    const start = lseek(sourceFd, position, SEEK_DATA);
    if (start === -ENXIO) break;
    const from = start < 0 ? position : start;
    if (from >= sizeBytes) break;
    const hole = start < 0 ? sizeBytes : lseek(sourceFd, from, SEEK_HOLE);
    const end = Math.min(hole < 0 ? sizeBytes : hole, sizeBytes);
    const copied = copyExtent(sourceFd, targetFd, from, end);
    if (copied < 0) return copied;
    position = end;
  }
  return ftruncate(targetFd, sizeBytes);
}

let buffer: Buffer | undefined;

function copyExtent(sourceFd: number, targetFd: number, start: number, end: number): number {
  let position = start;
  while (position < end) {
    let copied = copyFileRange(sourceFd, position, targetFd, position, end - position);
    if (copied === -EXDEV || copied === -EINVAL || copied === -EOPNOTSUPP || copied === -ENOSYS) {
      copied = copyThrough(sourceFd, targetFd, position, end);
    }
    if (copied < 0) return copied;
    if (copied === 0) break;
    position += copied;
  }
  return 0;
}

/** One piece by way of our own memory. @returns bytes copied, or a negated errno. */
function copyThrough(sourceFd: number, targetFd: number, position: number, end: number): number {
  buffer ??= Buffer.allocUnsafe(1024 * 1024);
  const length = pread(sourceFd, buffer.subarray(0, Math.min(buffer.length, end - position)), position);
  if (length <= 0) return length;
  let written = 0;
  while (written < length) {
    const result = pwrite(targetFd, buffer.subarray(written, length), position + written);
    if (result < 0) return result;
    written += result;
  }
  return length;
}
