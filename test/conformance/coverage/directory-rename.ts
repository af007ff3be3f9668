/** Item 1: renames of directories, by redirects. */

import { type Item, RANDOM_RUNS, READ_BACK } from './sentence.js';

export const directoryRename: Item = {
  item: '1. directory rename',
  contract: ['POSIX as on ext4: rename with all flags, of directories from a lower too'],
  sentences: [
    { sentence: 'a directory of a layer moves', cases: ['rename: a lower directory moves with its tree'] },
    {
      sentence: 'a merged directory moves',
      cases: ['rename: a directory merged of three layers moves, and a new one takes its name'],
    },
    {
      sentence: 'at any depth, and again',
      cases: [
        'rename-directory: directories that moved into moved ones, and back, keep their trees',
        'rename-directory: a directory does not move into itself, nor over what it is in',
      ],
    },
    {
      sentence: 'over an empty directory',
      cases: [
        'rename-directory: a directory moves over an empty one of a layer, of upper, and over one that was emptied',
        'rename: an upper directory moves with its tree, over an empty directory too',
      ],
    },
    {
      sentence: 'directories with RENAME_EXCHANGE',
      cases: [
        'rename-directory: EXCHANGE swaps directories of layers with each other and with merged ones, at any depth',
        'rename-directory: EXCHANGE swaps a directory of a layer with a file and a symlink of one',
      ],
    },
    {
      sentence: 'directories with RENAME_NOREPLACE',
      cases: [
        'rename-directory: NOREPLACE moves a directory of a layer or merged to a free name, and refuses one of any layer',
      ],
    },
    {
      sentence: 'RENAME_WHITEOUT, refused as by overlayfs',
      cases: [
        'rename-directory: WHITEOUT, which would show a device where nothing is to be seen, is refused and changes nothing',
        RANDOM_RUNS,
      ],
    },
    {
      sentence: 'without copying the tree',
      cases: [
        'rename-directory: a moved directory lies in upper without its tree, with a redirect of the form that overlayfs has',
      ],
    },
    {
      sentence: "redirect written in the kernel's form",
      cases: [
        'rename-directory: a moved directory lies in upper without its tree, with a redirect of the form that overlayfs has',
        READ_BACK,
      ],
    },
    {
      sentence: 'redirect read from uppers and layers that the kernel wrote',
      cases: [
        'rename: a lower directory moves with its tree',
        'rename-directory: directories that moved into moved ones, and back, keep their trees',
        READ_BACK,
        RANDOM_RUNS,
      ],
    },
  ],
};
