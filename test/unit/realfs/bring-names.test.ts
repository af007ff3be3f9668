/** What helpers bring into memory. That it is not read again is the kernel's; here is seen which names are asked for. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { AT_FDCWD, O_NOFOLLOW, O_PATH, RESOLVE_CACHED } from '../../../src/linux/constants.js';
import { openat, openat2 } from '../../../src/linux/files/open.js';
import { bringDirectory, bringName } from '../../../src/realfs/bring-names.js';
import { closing, tempDirectory } from '../linux/temp-directory.js';

const EAGAIN = 11;

it('a name is in memory afterwards, though it is not there', () => {
  const dirfd = closing(openat(AT_FDCWD, tempDirectory().path, O_PATH));
  const cached = (): number => openat2(dirfd, 'absent', O_PATH | O_NOFOLLOW, 0, RESOLVE_CACHED);
  expect(cached()).toBe(-EAGAIN);
  expect(bringName(dirfd, 'absent')).toBeGreaterThanOrEqual(0);
  expect(cached()).toBe(-2);
});

it('a directory is read, and nothing else opened: no FIFO waits for a writer, no link is followed', () => {
  const { path } = tempDirectory();
  mkdirSync(`${path}/d`);
  for (let n = 0; n < 100; n++) writeFileSync(`${path}/d/${n}`, '');
  execFileSync('mkfifo', [`${path}/d/fifo`, `${path}/fifo`]);
  symlinkSync('d', `${path}/link`);
  const dirfd = closing(openat(AT_FDCWD, path, O_PATH));
  const took = ['d', '.', 'fifo', 'link', 'absent', 'd/0'].map((name) => bringDirectory(dirfd, name));
  expect(took.every((micros) => Number.isInteger(micros) && micros >= 0)).toBe(true);
  expect(bringDirectory(-1, 'd')).toBeGreaterThanOrEqual(0);
});
