/**
 * The mark of a volatile mount in its work directory, `incompat/volatile/dirty`, by which overlayfs and plyfs refuse the upper from
 * then on: nobody brought it to its disk, so that after a power cut there may be a mixture of old and new in it.
 * Linux: fs/overlayfs/super.c:ovl_create_volatile_dirty() and readdir.c:ovl_workdir_cleanup_recurse() v6.18.
 *
 * DEVIATION: beside it plyfs notes the boot, and takes the upper for a volatile mount again as long as that lasts, since what was
 * written is in memory then. Test: unit/union/volatile-mark.test.ts.
 */

import { readFileSync } from 'node:fs';
import { EEXIST } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_WRONLY } from '../../linux/constants.js';
import { fsync } from '../../linux/files/data.js';
import { mkdirat, readEntries } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import type { Name } from '../../vfs/name.js';

export const INCOMPATIBLE: Name = 'incompat';
const VOLATILE: Name = 'volatile';
/** From overlayfs: a file. */
const DIRTY: Name = 'dirty';

const FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/**
 * Looks for what keeps upper from being mounted.
 * @param workFd `work` in the work directory, open for reading.
 * @param mount how upper is to be mounted.
 * @returns the feature's name in `incompat`; undefined: upper can be mounted.
 */
export function incompatibleFeature(
  workFd: number,
  mount: { readonly isVolatile: boolean },
): Name | undefined {
  const fd = openat(workFd, INCOMPATIBLE, FLAGS);
  if (fd < 0) return undefined;
  try {
    const other = namesIn(fd).find((name) => name !== VOLATILE);
    if (other !== undefined) return other;
    const volatileFd = openat(fd, VOLATILE, FLAGS);
    if (volatileFd < 0) return undefined;
    const marks = namesIn(volatileFd);
    close(volatileFd);
    return mount.isVolatile && marks.includes(thisBoot()) ? undefined : VOLATILE;
  } finally {
    close(fd);
  }
}

/** Marks the work directory. The mark itself is on disk on return. @throws FsError */
export function markVolatile(workFd: number): void {
  const fds: number[] = [workFd];
  try {
    for (const name of [INCOMPATIBLE, VOLATILE]) {
      const at = fds.at(-1)!;
      const made = mkdirat(at, name, 0o700);
      if (made !== -EEXIST) check(made, 'mkdir', name);
      fds.push(check(openat(at, name, FLAGS), 'open', name));
    }
    for (const name of [DIRTY, thisBoot()])
      close(check(openat(fds.at(-1)!, name, O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600), 'create', name));
    for (const fd of fds) check(fsync(fd), 'fsync', VOLATILE);
  } finally {
    for (const fd of fds.slice(1)) close(fd);
  }
}

function thisBoot(): Name {
  return `boot-${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}`;
}

function namesIn(fd: number): Name[] {
  const names: Name[] = [];
  readEntries(fd, (name) => names.push(name));
  return names;
}
