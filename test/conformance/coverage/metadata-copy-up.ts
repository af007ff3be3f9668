/** Item 3: copy-up of metadata alone. */

import { type Item, RANDOM_RUNS, READ_BACK, REGRESSIONS, testOf } from './sentence.js';

export const metadataCopyUp: Item = {
  item: '3. metadata-only copy-up',
  contract: ['chmod/chown/utimes/setxattr copy no data'],
  sentences: [
    {
      sentence: 'chmod, chown, utimes and setxattr copy no data',
      cases: ['copy-up: chmod, chown, utimes and setxattr of a large file copy no data'],
    },
    {
      sentence: 'data follows at the first write',
      cases: [
        'copy-up: a write after a metadata change still finds the content, also after a remount',
        'copy-up: opening for writing after a metadata change keeps the times',
        testOf('test/acceptance/long-copies.test.ts', 'times, attributes and names set meanwhile stay'),
      ],
    },
    {
      sentence: 'metacopy read from uppers the kernel wrote',
      cases: ['copy-up: chmod keeps content, owner, times and xattrs', READ_BACK],
    },
    { sentence: 'metacopy read from layers the kernel wrote', cases: [REGRESSIONS, RANDOM_RUNS] },
  ],
};
