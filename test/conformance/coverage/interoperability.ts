/** Item 7: what others wrote, and what they read. */

import { type Item, RANDOM_RUNS, READ_BACK, testOf } from './sentence.js';

export const interoperability: Item = {
  item: '7. interoperability',
  contract: [],
  sentences: [
    {
      sentence: 'uppers of plyfs read by overlayfs, and the reverse, in trusted.overlay',
      cases: [
        READ_BACK,
        RANDOM_RUNS,
        testOf('test/acceptance/programs.test.ts', 'du agrees with du on overlayfs'),
      ],
    },
    {
      sentence: 'the same in user.overlay',
      cases: [
        RANDOM_RUNS,
        testOf(
          'test/acceptance/user.long.test.ts',
          'changes files of his and of root, as far as their modes let him, in an upper that overlayfs',
        ),
      ],
    },
    {
      sentence: 'origin records are those that overlayfs writes',
      cases: [testOf('test/unit/union/origin.test.ts', 'of a %s is what overlayfs writes')],
    },
    {
      sentence: 'whiteouts of kernel 6.7 and later read',
      cases: [
        'whiteout-forms: an empty file with the attribute hides a file and a directory below and is not listed',
        'whiteout-forms: a directory marked so is merged with those below, an empty file without the attribute is one',
      ],
    },
    {
      sentence: 'reading uppers of fuse-overlayfs',
      cases: [
        testOf('test/acceptance/fuse-overlayfs.long.test.ts', 'shows the same tree'),
        testOf(
          'test/acceptance/fuse-overlayfs.long.test.ts',
          'takes what is made again, deleted, moved and changed',
        ),
        testOf(
          'test/acceptance/fuse-overlayfs.long.test.ts',
          'an upper written without root shows the same tree',
        ),
      ],
    },
    {
      sentence: 'reading layers that fuse-overlayfs wrote',
      cases: [
        testOf(
          'test/acceptance/fuse-overlayfs.long.test.ts',
          'shows the same tree, is not changed, and takes changes above it',
        ),
      ],
    },
    {
      sentence: 'forms of fuse-overlayfs behind an option',
      cases: [
        testOf(
          'test/acceptance/fuse-overlayfs.long.test.ts',
          'names that begin with .wh. are refused with the option, and ordinary without it',
        ),
        testOf('test/unit/union/overlay-xattrs.test.ts', 'hides what fuse-overlayfs keeps'),
      ],
    },
  ],
};
