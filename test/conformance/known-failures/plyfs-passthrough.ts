/** What plyfs with `-o passthrough=all` does otherwise than the suites want, and why: the price of that option. */

import type { KnownFailures } from '../run-suites.js';
import { ofMaps, ofReads } from './held-open.js';
import { plyfsFailures } from './plyfs.js';

const KEEPS = 'the kernel reads the lower file by itself for those who had it open';
const NO_WAY = 'the kernel cannot give an inode that is open another backing file: ESTALE';

export const plyfsPassthroughFailures: KnownFailures = {
  ...plyfsFailures,
  ...ofReads(KEEPS),
  ...ofMaps(KEEPS),
  'held-open: many who hold a file open see each of many appends': KEEPS,
  'held-open: opened again for reading through /proc/self/fd, it sees what was written since': KEEPS,
  'held-open: a descriptor open for reading is opened again for writing through /proc/self/fd': NO_WAY,
  'held-open: it is opened again for writing after another wrote': NO_WAY,
  'held-open: a lock of a descriptor from before excludes those who open the file later':
    'the file in upper is another inode to the kernel than the one that is open',
};
