/** ftruncate(2) that lets nobody wait while many blocks are freed. */

import { AT_EMPTY_PATH, STATX_SIZE } from '../linux/constants.js';
import { ftruncate } from '../linux/files/inode.js';
import { dup } from '../linux/files/open.js';
import { Statx, statx } from '../linux/files/statx.js';
import type { Session } from '../vfs/file-system.js';
import { Wait } from '../vfs/wait.js';

/** What is freed in a few milliseconds at most: some 0.3 ms for 1 MiB of page cache and its blocks on a busy machine. */
export const QUICK_TO_FREE_BYTES = 16 * 1024 * 1024;

const stat = new Statx();

/**
 * @param fd open for writing; stays the caller's.
 * @returns 0 or a negated errno. @throws Wait until a helper thread has done it.
 */
export function truncateFile(session: Session | undefined, fd: number, sizeBytes: number): number {
  const job = session?.awaited;
  if (job?.spec.kind === 'truncate') return job.result;
  const frees = statx(fd, '', AT_EMPTY_PATH, STATX_SIZE, stat) === 0 ? stat.sizeBytes - sizeBytes : 0;
  if (session === undefined || frees <= QUICK_TO_FREE_BYTES) return ftruncate(fd, sizeBytes);
  const ofJob = dup(fd);
  if (ofJob < 0) return ofJob;
  throw new Wait(session.startJob({ kind: 'truncate', fd: ofJob, sizeBytes }));
}
