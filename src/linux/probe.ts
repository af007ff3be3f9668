/**
 * What the kernel below offers, asked by calling it: for `plyfs doctor`.
 *
 * Features are asked for, never deduced from the release: distributions port them back, and seccomp filters take
 * them away. A syscall counts as present when bad arguments give the error that only the real call would give.
 */

import { readFileSync } from 'node:fs';
import { EBADF, EINVAL, ENOSYS } from '../errno/errno.js';
import { AT_EMPTY_PATH, AT_FDCWD, O_DIRECTORY, O_PATH, RESOLVE_BENEATH } from './constants.js';
import { FILE_HANDLE_MAX_BYTES, nameToHandleAt } from './handle.js';
import { probeFchmodat2 } from './inode.js';
import { clonePrivate, fsopen, mountSetattr, openTree, privateTmpfs } from './mount.js';
import { close, openat, openat2 } from './open.js';
import { pidfdGetfd, pidfdOpen } from './pidfd.js';
import { hasXattrat } from './xattr.js';

export interface Feature {
  readonly name: string;
  /** The release that brought it. */
  readonly since: string;
  /** What plyfs does with it. */
  readonly use: string;
  readonly works: boolean;
  /** Positive errno of the attempt, 0 when it went well; for `works` the one that proves presence. */
  readonly errno: number;
}

export interface Probe {
  readonly release: string;
  readonly arch: string;
  readonly features: readonly Feature[];
}

interface Trial {
  readonly name: string;
  readonly since: string;
  readonly use: string;
  /** A result, or a negated errno. */
  readonly attempt: () => number;
  /** Errnos that prove the call is there; undefined when only success does. */
  readonly present?: readonly number[];
}

/** Opens, closes at once, and keeps the error if there was one. */
function closing(fd: number): number {
  if (fd < 0) return fd;
  close(fd);
  return 0;
}

function onRoot(attempt: (rootFd: number) => number): number {
  const rootFd = openat(AT_FDCWD, '/', O_PATH | O_DIRECTORY);
  if (rootFd < 0) return rootFd;
  const result = attempt(rootFd);
  close(rootFd);
  return result;
}

const trials: readonly Trial[] = [
  {
    name: 'openat2',
    since: '5.6',
    use: 'paths that cannot lead out of a layer or a bind',
    attempt: () => onRoot((fd) => closing(openat2(fd, '.', O_PATH | O_DIRECTORY, 0, RESOLVE_BENEATH))),
  },
  {
    name: 'open_tree',
    since: '5.2',
    use: 'private clones of layers',
    attempt: () => openTree(-1, '', AT_EMPTY_PATH),
    present: [EBADF],
  },
  {
    name: 'mount_setattr',
    since: '5.12',
    use: 'layers that nothing can write to',
    attempt: () => mountSetattr(-1, '', AT_EMPTY_PATH, 1, 0),
    present: [EBADF],
  },
  {
    name: 'fsopen',
    since: '5.2',
    use: 'tmpfs mounts without a path',
    attempt: () => closing(fsopen('tmpfs', 0)),
  },
  {
    name: 'private clone',
    since: '5.12',
    use: 'layers that nothing can write to, as this user',
    attempt: () => onRoot((fd) => closing(clonePrivate(fd, true))),
  },
  {
    name: 'private tmpfs',
    since: '5.2',
    use: 'tmpfs mounts, as this user',
    attempt: () => closing(privateTmpfs({ sizeBytes: 4096 })),
  },
  {
    name: 'xattrat',
    since: '6.13',
    use: 'extended attributes without a way through /proc',
    attempt: () => (hasXattrat() ? 0 : -ENOSYS),
  },
  {
    name: 'fchmodat2',
    since: '6.6',
    use: 'chmod without a way through /proc',
    attempt: () => (probeFchmodat2() ? 0 : -ENOSYS),
  },
  {
    name: 'pidfd_open',
    since: '5.3',
    use: 'a new daemon takes over from the old',
    attempt: () => closing(pidfdOpen(process.pid)),
  },
  {
    name: 'pidfd_getfd',
    since: '5.6',
    use: 'a new daemon takes over from the old',
    attempt: () => pidfdGetfd(-1, 0),
    present: [EBADF],
  },
  {
    name: 'name_to_handle_at',
    since: '2.6.39',
    use: 'origins of copied-up files',
    attempt: () => nameToHandleAt(-1, 'x', Buffer.alloc(FILE_HANDLE_MAX_BYTES)),
    present: [EBADF, EINVAL],
  },
];

function tryOne(trial: Trial): Feature {
  const result = trial.attempt();
  const errno = result < 0 ? -result : 0;
  const works = errno === 0 || (trial.present?.includes(errno) ?? false);
  return { name: trial.name, since: trial.since, use: trial.use, works, errno };
}

/** Tries each feature once; leaves nothing behind. */
export function probe(): Probe {
  return {
    release: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
    arch: process.arch,
    features: trials.map(tryOne),
  };
}
