/**
 * What a storage can do beyond reading and writing, tried on files of a passing name in it.
 *
 * Remote storage lacks this and that (sshfs has no xattrs, some have no hard links), and programs fail far from the reason:
 * so it is tried when the mount is attached, and listed by `plyfs inspect`.
 */

import { EAGAIN, EEXIST, errnoCode } from '../../errno/errno.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  LOCK_EX,
  LOCK_NB,
  LOCK_UN,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_RDWR,
} from '../../linux/constants.js';
import { flock, write } from '../../linux/files/data.js';
import { linkat, renameat2, symlinkat, unlinkat } from '../../linux/files/directory.js';
import { fchownat } from '../../linux/files/inode.js';
import { tryMap } from '../../linux/files/map.js';
import { close, openat } from '../../linux/files/open.js';
import { setxattrAt } from '../../linux/files/xattr.js';

type TriedOperation = 'xattr' | 'hard link' | 'symlink' | 'lock' | 'rename over' | 'mmap' | 'chown';

export interface Lack {
  readonly operation: TriedOperation;
  /** `EOPNOTSUPP` and its like. */
  readonly error: string;
}

export interface Trial {
  readonly lacks: readonly Lack[];
  /** Why nothing could be tried. */
  readonly untried?: string;
}

const PAGE_BYTES = 4096;
/** To whom a file is given for a moment, where the thread may: nobody. */
const OTHER_ID = 65534;

/**
 * Tries it all in a directory; the names it makes are gone afterwards.
 * @param suffix makes the names those of this trial alone.
 * @param mayGiveAway the thread has CAP_CHOWN.
 */
export function tryStorage(
  directoryFd: number,
  suffix: string,
  { mayGiveAway }: { readonly mayGiveAway: boolean },
): Trial {
  const name = (part: string): string => `.plyfs-trial-${suffix}-${part}`;
  const fd = openat(directoryFd, name('a'), O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0o600);
  if (fd < 0) return { lacks: [], untried: `cannot make a file in it: ${errnoCode(-fd)}` };
  const lacks: Lack[] = [];
  const tried = (operation: TriedOperation, result: number): void => {
    if (result < 0) lacks.push({ operation, error: errnoCode(-result) });
  };
  try {
    const owner = mayGiveAway ? OTHER_ID : (process.geteuid?.() ?? 0);
    write(fd, new Uint8Array(PAGE_BYTES));
    tried('xattr', setxattrAt(fd, '', 'user.plyfs.trial', new Uint8Array(1), 0));
    tried('lock', lock(fd));
    tried('mmap', tryMap(fd, PAGE_BYTES));
    tried('chown', fchownat(fd, '', owner, mayGiveAway ? OTHER_ID : -1, AT_EMPTY_PATH));
    tried('symlink', symlinkat('a', directoryFd, name('s')));
    const path = `/proc/self/fd/${fd}`;
    tried('hard link', linkat(AT_FDCWD, path, directoryFd, name('h'), AT_SYMLINK_FOLLOW));
    tried('rename over', renameOver(directoryFd, name('a'), name('b')));
  } finally {
    close(fd);
    for (const part of ['a', 'b', 'h', 's']) unlinkat(directoryFd, name(part), 0);
  }
  return { lacks };
}

/** @returns 0 or a negated errno; that another has the lock shows that there are locks. */
function lock(fd: number): number {
  const result = flock(fd, LOCK_EX | LOCK_NB);
  if (result === -EAGAIN) return 0;
  return result < 0 ? result : flock(fd, LOCK_UN);
}

function renameOver(directoryFd: number, from: string, to: string): number {
  const other = openat(directoryFd, to, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0o600);
  if (other < 0 && other !== -EEXIST) return other;
  if (other >= 0) close(other);
  return renameat2(directoryFd, from, directoryFd, to, 0);
}
