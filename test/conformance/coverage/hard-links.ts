/** Item 2: hard links, of files of layers too. */

import { type Item, READ_BACK, REGRESSIONS, testOf } from './sentence.js';

export const hardLinks: Item = {
  item: '2. hard links',
  contract: ['hard links (also of lower files, which stay linked after copy-up)'],
  sentences: [
    {
      sentence: 'lower files with several names stay one file after copy-up through any name',
      cases: [
        'link: a change by any of the names of a layer leaves one file with one inode number, also after a remount',
        'link: hard links of a layer stay one file after a write',
      ],
    },
    {
      sentence: 'names of one file have the same st_ino',
      cases: [
        'identity: different files have different inode numbers, links the same',
        'link: a change by any of the names of a layer leaves one file with one inode number, also after a remount',
      ],
    },
    {
      sentence: 'nlink of files',
      cases: [
        'lookup: hard links of a layer show one inode',
        'link: hard links of a layer stay one file after a write',
        'link: links of an upper file are one file',
        'link: a lower file unlinked while open for reading has no links',
      ],
    },
    {
      sentence: 'content shared between names',
      cases: [
        'link: a name of a file of a layer shows what was written by another name while it was being read',
        'link: a name of a file of a layer shows what was written by a link made of it, while it was being read',
        testOf(
          'test/acceptance/held-open.test.ts',
          'a file with several names shows what was written by each of them',
        ),
      ],
    },
    {
      sentence: 'hard links after a remount',
      cases: [
        'link: a change by any of the names of a layer leaves one file with one inode number, also after a remount',
        'link: removing one of several names of a layer keeps the others',
      ],
    },
    {
      sentence: 'a new link of a lower file stays with its origin',
      cases: ['link: a link of a lower file and its origin stay one file'],
    },
    {
      sentence: "index in the kernel's form",
      cases: ['link: hard links of a layer stay one file after a write', READ_BACK, REGRESSIONS],
    },
  ],
};
