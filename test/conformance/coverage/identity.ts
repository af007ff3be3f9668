/** Item 4: what tools take files to be the same by. */

import type { Item } from './sentence.js';

export const identity: Item = {
  item: '4. identity',
  contract: ['st_ino stable, one st_dev, correct nlink'],
  sentences: [
    {
      sentence: 'st_ino constant across copy-up, rename and remount',
      cases: [
        'identity: st_ino stays through copy-up, rename and remount',
        'identity: a file or directory that moved has the st_ino of before, also after a remount',
        'identity: a descriptor and the path name the same inode after a copy-up through another descriptor',
      ],
    },
    {
      sentence: 'one st_dev',
      cases: ['identity: all files and directories are on one device, which is that of the descriptor too'],
    },
    {
      sentence: 'readdir d_ino equal to st_ino',
      cases: [
        'identity: d_ino is st_ino for files of layers, of upper, and copied up',
        'lookup: readdir gives each name once, with type and the inode number of stat, and . and ..',
      ],
    },
    {
      sentence: 'nlink of directories as the field does it',
      cases: [
        'identity: a directory of upper has two links and one for each directory in it, a merged one has one',
      ],
    },
    {
      sentence: 'name_to_handle_at works or is refused',
      cases: ['identity: a file handle opens the file that it was made of, or there is none, or it is stale'],
    },
  ],
};
