/** Whether a file system was made read-only while we use it: by hand, or by itself after an error of its disk. */

import { fstatfs, StatFsResult } from '../../linux/files/statfs.js';

/** Linux: fs/statfs.c:flags_by_sb() v6.18. */
const ST_RDONLY = 1;
const disk = new StatFsResult();

/** @param fd any descriptor on it. */
export function isReadOnlyDisk(fd: number): boolean {
  return fstatfs(fd, disk) === 0 && (disk.flags & ST_RDONLY) !== 0;
}
