/**
 * Makes whole file systems durable, as kernel overlayfs does with upper's when it is unmounted
 * (fs/overlayfs/super.c:ovl_sync_fs() v6.18). It takes as long as the disk takes: not for a thread that serves.
 */

import { check } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_FDCWD, O_DIRECTORY, O_RDONLY, STATX_BASIC_STATS } from '../../linux/constants.js';
import { syncfs } from '../../linux/files/data.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import type { Name } from '../../vfs/name.js';

/** Writes the file systems that hold these directories to their disks, each once. @throws FsError */
export function writeToDisk(directories: readonly Name[]): void {
  const written = new Set<number>();
  const stat = new Statx();
  for (const directory of directories) {
    const fd = check(openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY), 'open', directory);
    try {
      check(statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, stat), 'statx', directory);
      if (written.has(stat.dev)) continue;
      check(syncfs(fd), 'syncfs', directory);
      written.add(stat.dev);
    } finally {
      close(fd);
    }
  }
}
