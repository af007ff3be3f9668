/** What plyfs does otherwise than the suites want, and why. Each line is a debt. */

import type { KnownFailures } from '../run-suites.js';

export const plyfsFailures: KnownFailures = {
  'space: fallocate collapses and inserts ranges':
    'the FUSE client of Linux 6.18 passes on KEEP_SIZE, PUNCH_HOLE and ZERO_RANGE alone: fs/fuse/file.c:fuse_file_fallocate()',
};
