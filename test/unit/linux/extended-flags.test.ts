/** Flags of an object that is not open. */

import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ENOENT, ENOSYS } from '../../../src/errno/errno.js';
import {
  AT_FDCWD,
  FS_NOATIME_FL,
  FS_SYNC_FL,
  FS_XFLAG_NOATIME,
  FS_XFLAG_SYNC,
  O_PATH,
  O_RDWR,
} from '../../../src/linux/constants.js';
import { getExtendedFlagsAt, getInodeFlags, setInodeFlags } from '../../../src/linux/files/inode-flags.js';
import { openat } from '../../../src/linux/files/open.js';
import { closing, tempDirectory } from './temp-directory.js';

const BOTH = FS_XFLAG_SYNC | FS_XFLAG_NOATIME;

it('tells what chattr(1) has set, by name and of what a descriptor names, and says when the kernel cannot', () => {
  const { path } = tempDirectory();
  for (const name of ['plain', 'marked']) writeFileSync(`${path}/${name}`, '', { mode: 0 });
  const directory = closing(openat(AT_FDCWD, path, O_PATH));
  const flags = getExtendedFlagsAt(directory, 'plain');
  if (flags === -ENOSYS) return;
  expect(flags & BOTH).toBe(0);
  const marked = closing(openat(directory, 'marked', O_RDWR));
  expect(setInodeFlags(marked, getInodeFlags(marked) | FS_SYNC_FL | FS_NOATIME_FL)).toBe(0);
  expect(getExtendedFlagsAt(directory, 'marked') & BOTH).toBe(BOTH);
  expect(getExtendedFlagsAt(closing(openat(directory, 'marked', O_PATH)), '') & BOTH).toBe(BOTH);
  expect(getExtendedFlagsAt(directory, 'absent')).toBe(-ENOENT);
});
