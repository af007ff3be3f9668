/** Item 5: files that are open across a copy-up. */

import { type Item, testOf } from './sentence.js';

export const openFiles: Item = {
  item: '5. open files across copy-up',
  contract: ['Who has a file open, has locked it, maps or watches it sees what is written later'],
  sentences: [
    {
      sentence: 'with passthrough=all the first descriptor and its maps keep the data of the layer',
      cases: [
        testOf('test/acceptance/held-open.test.ts', 'descriptor and maps keep the data of the layer'),
        'copy-up: a descriptor opened on the layer before the copy-up can still be read',
        'copy-up: files read with the changes of metadata made through a descriptor of the layer',
      ],
    },
    {
      sentence: 'without passthrough, for an ordinary user, they see the new data',
      cases: [
        testOf(
          'test/acceptance/user.long.test.ts',
          'sees through descriptors and maps from before how a file of a layer changes',
        ),
        testOf(
          'test/acceptance/user.long.test.ts',
          'reads what others write while he has the file open, across copy-up',
        ),
      ],
    },
    {
      sentence: 'the old descriptor sees the new data',
      cases: [
        'held-open: a descriptor open for reading sees a write',
        'held-open: a descriptor open for reading sees a write into a large file',
        'held-open: a descriptor open for reading sees an append',
        'held-open: a descriptor open for reading sees an open that empties it, and a write',
        'held-open: a descriptor open for reading sees a truncation through another descriptor, and a write',
        'held-open: a descriptor open for reading sees a hole punched into it',
        'held-open: a descriptor open for reading sees a range copied into it',
        'held-open: a descriptor open for reading sees a write through a shared map',
      ],
    },
    {
      sentence: 'its maps see the new data',
      cases: [
        'held-open: maps made before show a write',
        'held-open: maps made before show a write into a large file',
        'held-open: maps made before show a chmod, and a write',
        'held-open: a private map keeps the page that it changed',
      ],
    },
    {
      sentence: 'also where names come and go, and no ESTALE',
      cases: [
        'held-open: a descriptor open for reading sees a rename, and a write by the new name',
        'held-open: a descriptor open for reading sees a rename over it, of a link made before, and a write',
        'held-open: a descriptor open for reading sees a write after the name went',
        'held-open: a descriptor open for reading sees a write by another of its names',
        'held-open: it is opened again for writing after another wrote',
      ],
    },
    {
      sentence: 'locks of before exclude who opens later',
      cases: [
        'held-open: a lock of a descriptor from before excludes those who open the file later',
        testOf(
          'test/acceptance/held-open.test.ts',
          'a lock of before does not keep out who opens the file after its first change',
        ),
      ],
    },
    {
      sentence: 'that costs the reads of lower files alone, and not of program code',
      cases: [
        testOf(
          'test/acceptance/held-open.test.ts',
          'is read through the daemon once, with a request of up to a MiB',
        ),
      ],
    },
    {
      sentence: 'tail -f of a lower log file',
      cases: [
        testOf('test/acceptance/held-open.test.ts', 'tail -f follows a log of the layer'),
        'held-open: many who hold a file open see each of many appends',
      ],
    },
    {
      sentence: 're-open through /proc/self/fd',
      cases: [
        'held-open: an open descriptor is opened again for reading through /proc/self/fd',
        'held-open: opened again for reading through /proc/self/fd, it sees what was written since',
        'held-open: a descriptor open for reading is opened again for writing through /proc/self/fd',
        testOf(
          'test/acceptance/held-open.test.ts',
          'opened again through /proc/self/fd it reads the data of the layer, and cannot be written',
        ),
      ],
    },
    {
      sentence: 'who opens a changed file by its name sees the change',
      cases: ['held-open: a file changed and closed is read as it is by those who open it then'],
    },
  ],
};
