import { execFileSync } from 'node:child_process';
import { statfsSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { AT_FDCWD, O_RDONLY } from '../../../src/linux/constants.js';
import { pread } from '../../../src/linux/files/data.js';
import { openat } from '../../../src/linux/files/open.js';
import { ThreadReads } from '../../../src/linux/process/thread-reads.js';
import { closing, tempDirectory } from './temp-directory.js';

const TMPFS_MAGIC = 0x01021994;
const MOST_ATTEMPTS = 20;

it('tells a read from the disk from one from memory', () => {
  const path = `${tempDirectory().path}/cold`;
  writeFileSync(path, Buffer.alloc(8192, 'x'));
  const fd = closing(openat(AT_FDCWD, path, O_RDONLY));
  const into = Buffer.alloc(4096);
  const reads = new ThreadReads();
  const hasRead = (): boolean => {
    pread(fd, into, 0);
    return reads.hasMore();
  };
  const isOnDisk = statfsSync(path).type !== TMPFS_MAGIC;
  let fromDisk = 0;
  for (let attempt = 0; isOnDisk && fromDisk === 0 && attempt < MOST_ATTEMPTS; attempt++) {
    // Pages that somebody looks at just then stay.
    execFileSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none']);
    reads.hasMore();
    if (hasRead()) fromDisk++;
  }
  expect(fromDisk).toBe(isOnDisk ? 1 : 0);
  expect(hasRead()).toBe(false);
});
