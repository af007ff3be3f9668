/** What each kind of job does: plain syscall work, by a helper thread, or by a thread that may wait itself. */

import { ENODATA, EOPNOTSUPP } from '../../errno/errno.js';
import { FsError } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS } from '../../linux/constants.js';
import { fdatasync, fsync, preadPrefix, syncfs } from '../../linux/files/data.js';
import { ftruncate } from '../../linux/files/inode.js';
import { close } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { removexattrAt } from '../../linux/files/xattr.js';
import { bringDirectory, bringName } from '../../realfs/bring-names.js';
import { copyData } from '../../realfs/copy-data.js';
import { removeBelow } from '../../realfs/remove-below.js';
import type { JobSpec } from '../../vfs/wait.js';

/** As much as a request asks for. */
const LARGEST_READ_BYTES = 1024 * 1024;
let pages: Buffer | undefined;
const answer = new Statx();

/** No object has it: its removal waits as each change does, and then changes nothing. */
const ABSENT_ATTRIBUTE = 'user.plyfs.absent';

/** @returns 0 or more, or a negated errno. */
export function perform(spec: JobSpec): number {
  switch (spec.kind) {
    case 'copy': {
      const copied = copyData(spec.source, spec.target, spec.sizeBytes);
      return copied < 0 || !spec.durable ? copied : fdatasync(spec.target);
    }
    case 'read':
      return closing(spec.fd, bringIn(spec.fd, spec.offset, spec.length));
    case 'fsync':
      return closing(spec.fd, spec.dataOnly ? fdatasync(spec.fd) : fsync(spec.fd));
    case 'syncfs':
      return closing(spec.fd, syncfs(spec.fd));
    case 'truncate':
      return closing(spec.fd, ftruncate(spec.fd, spec.sizeBytes));
    case 'probe':
      return probe(spec.fd);
    case 'reach':
      return reach(spec.fd);
    case 'close':
      return close(spec.fd);
    case 'remove':
      return closing(spec.dirfd, remove(spec));
    case 'list':
      return closing(spec.dirfd, bringDirectory(spec.dirfd, spec.name));
    case 'look':
      return closing(spec.dirfd, bringName(spec.dirfd, spec.name));
    case 'pause':
      return 0;
  }
}

/** A job that is never done: what it owns goes. */
export function dropJob(spec: JobSpec): void {
  if ('dirfd' in spec) close(spec.dirfd);
  else if ('fd' in spec && spec.kind !== 'probe' && spec.kind !== 'reach') close(spec.fd);
}

function closing(fd: number, result: number): number {
  close(fd);
  return result;
}

/** What fails here fails again in the request, which answers it. */
function bringIn(fd: number, offset: number, length: number): number {
  pages ??= Buffer.allocUnsafe(LARGEST_READ_BYTES);
  return preadPrefix(fd, pages, length, offset);
}

function probe(fd: number): number {
  const result = removexattrAt(fd, '', ABSENT_ATTRIBUTE);
  return result === -ENODATA || result === -EOPNOTSUPP ? 0 : result;
}

/** What it says matters to nobody: who comes next meets it. */
function reach(fd: number): number {
  return statx(fd, '', AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, answer);
}

function remove({ dirfd, name }: Extract<JobSpec, { kind: 'remove' }>): number {
  try {
    removeBelow(dirfd, name);
    return 0;
  } catch (error) {
    if (error instanceof FsError) return -error.errno;
    throw error;
  }
}
