/** Item 6, of nested use, names and sizes. */

import { type Item, RANDOM_RUNS, testOf } from './sentence.js';

export const names: Item = {
  item: '6. the rest: nested use, names and sizes',
  contract: [
    '`trusted.overlay.*` and `user.overlay.*` of the layers are hidden',
    'telldir/seekdir',
    'names of 255 bytes of any value',
    'paths as long as the kernel allows',
  ],
  sentences: [
    {
      sentence: 'overlay.* of the mount hidden',
      cases: [
        'lookup: overlay xattrs of the layers are neither listed nor read',
        testOf('test/unit/union/overlay-xattrs.test.ts', 'hide all that the union keeps'),
      ],
    },
    {
      sentence: 'overlay.* of users escaped',
      cases: [
        'nested: an attribute of an overlay is set, read, listed and removed like any other',
        'nested: it lies escaped in upper, and comes from a layer where it lies escaped',
        testOf('test/unit/union/overlay-xattrs.test.ts', 'escapes as overlayfs does'),
      ],
    },
    {
      sentence: 'nested: an overlay inside the mount',
      cases: [
        'nested: an overlay of layers in the mount shows their union, whiteouts and opaque directories too',
        'nested: a device that would be a whiteout is refused, so that nothing is made that cannot be seen',
        testOf(
          'test/acceptance/nested.test.ts',
          'overlayfs takes a layer of the mount, and refuses an upper there',
        ),
      ],
    },
    {
      sentence: 'nested: a plyfs on a plyfs',
      cases: [
        testOf(
          'test/acceptance/nested.test.ts',
          'a plyfs whose layer and upper lie in another keeps its changes',
        ),
      ],
    },
    {
      sentence: 'nested: a plyfs on overlayfs',
      cases: [
        testOf(
          'test/acceptance/nested.test.ts',
          'a plyfs whose layer and upper lie on overlayfs, as in a container',
        ),
      ],
    },
    {
      sentence: '255-byte names of arbitrary bytes',
      cases: [
        'directory: names of 255 bytes of any value live in layers and upper',
        'directory: a name of 256 bytes is ENAMETOOLONG, however it is used',
      ],
    },
    {
      sentence: 'paths beyond PATH_MAX',
      cases: [
        'directory: chdir leads beyond PATH_MAX, through directories of a layer and new ones',
        'directory: a path beyond PATH_MAX is reached step by step',
      ],
    },
    {
      sentence: 'paths as long as the kernel allows',
      cases: [
        'directory: a path as long as the kernel takes is made and found, one byte more is ENAMETOOLONG',
      ],
    },
    {
      sentence: 'telldir and seekdir',
      cases: [
        'directory: seekdir comes back to where telldir was',
        testOf('test/unit/vfs/listing.test.ts', 'resumes after a position with the next entry'),
        RANDOM_RUNS,
      ],
    },
    {
      sentence: 'changes during readdir',
      cases: [
        'directory: removing each entry as it is listed misses none',
        'directory: names made while listing do not make the others come twice or not at all',
        'directory: a listing begun again after rewinding shows what changed',
        testOf('test/acceptance/large.test.ts', 'loses no name and gains none while others are removed'),
        testOf('test/acceptance/large.test.ts', 'are not found in the layer again by the reader'),
      ],
    },
    {
      sentence: 'directories with 100,000 entries',
      cases: [
        'large-directory: a directory of 100,000 entries lists each once, also when a part was removed and another added',
        testOf('test/acceptance/large.test.ts', 'is listed whole, fast and in bounded memory'),
      ],
    },
    {
      sentence: '200 layers',
      cases: ['many-layers: 200 layers are mounted, listed and walked, and the topmost wins'],
    },
  ],
};
