/** Item 6, of files: content, maps, locks, special files. */

import { type Item, testOf } from './sentence.js';

export const files: Item = {
  item: '6. the rest: files',
  contract: [
    'O_APPEND, O_TMPFILE, O_DIRECT',
    'fallocate, lseek DATA/HOLE, copy_file_range',
    'mmap shared and private',
    'flock and fcntl locks',
    'mknod, fifo, socket',
    'files over 4 GiB',
  ],
  sentences: [
    {
      sentence: 'O_TMPFILE',
      cases: [
        'special: O_TMPFILE makes a file without a name that link names',
        'special: O_TMPFILE with O_EXCL can never be named, and needs a directory and write access',
      ],
    },
    {
      sentence: 'linkat of a tmpfile',
      cases: [
        'special: O_TMPFILE makes a file without a name that link names',
        'special: a tmpfile takes the place of a whited out name',
      ],
    },
    {
      sentence: 'fallocate',
      cases: [
        'space: fallocate lengthens with zeros, KEEP_SIZE only takes the space',
        'space: fallocate refuses wrong ranges, descriptors and flags',
      ],
    },
    {
      sentence: 'fallocate with punch and zero',
      cases: ['space: a punched hole and a zeroed range read as zeros'],
    },
    {
      sentence: 'SEEK_DATA and SEEK_HOLE on copied-up sparse files',
      cases: [
        'copy-up: holes stay holes',
        'space: SEEK_DATA and SEEK_HOLE find the pieces of a file of a layer and of upper',
        'space: SEEK_DATA and SEEK_HOLE find them also where metadata alone was copied',
      ],
    },
    {
      sentence: 'copy_file_range across layers',
      cases: [
        'space: copy_file_range copies from a file of one layer into one of another, either way',
        'space: copy_file_range copies within a file and from a layer into upper',
        'space: copy_file_range refuses wrong descriptors and overlapping ranges',
      ],
    },
    {
      sentence: 'O_DIRECT',
      cases: ['special: O_DIRECT reads and writes whole blocks, together with buffered calls'],
    },
    {
      sentence: 'mmap shared between processes',
      cases: [
        'sharing: two shared maps of a file see each other, and read and write see them',
        'sharing: a shared map of a lower file opened for writing lands in the union, not in the layer',
        'sharing: a map outlives close and unlink',
        testOf('test/acceptance/programs.test.ts', 'processes write one file through shared maps'),
      ],
    },
    { sentence: 'mmap private', cases: ['sharing: a private map keeps its writes to itself'] },
    {
      sentence: 'flock between processes',
      cases: [
        'sharing: flock excludes other processes and other opens, not readers from readers',
        'sharing: a process that waits for a flock gets it when the other closes',
        'sharing: a signal ends the wait for a lock, and who is killed leaves none',
      ],
    },
    {
      sentence: 'fcntl locks between processes',
      cases: [
        'sharing: fcntl locks exclude ranges between processes and name the holder',
        'sharing: fcntl locks wait, are shared by readers, and go when the process closes any descriptor',
        'sharing: locks of open files part two opens of one process, and stay when another descriptor is closed',
      ],
    },
    {
      sentence: 'files above 4 GiB',
      cases: [
        'write: a file of more than 4 GiB is written and read beyond that',
        'write: a file of a layer of more than 4 GiB is changed beyond that, and keeps the rest',
        testOf('test/acceptance/large.test.ts', 'is copied up with its holes when it is written at its end'),
      ],
    },
    {
      sentence: 'device nodes',
      cases: [
        'special: mknod makes each type with mode and device number',
        'special: device nodes work',
        'special: special files of a layer keep type, device and attributes when they change',
      ],
    },
    {
      sentence: 'sockets',
      cases: [
        'special: a unix socket listens and answers in the directory',
        'special: special files of a layer keep type, device and attributes when they change',
      ],
    },
    {
      sentence: 'fifos',
      cases: [
        'special: a fifo of a layer carries data between its ends',
        'special: a fifo without a reader refuses a writer that does not wait',
      ],
    },
  ],
};
