/** Removal of what is the daemon's own, by descriptor, so that no link leads elsewhere. */

import { ENOENT, ENOTEMPTY } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { AT_REMOVEDIR, DT_DIR, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, SEEK_SET } from '../linux/constants.js';
import { lseek } from '../linux/files/data.js';
import { readEntries, unlinkat } from '../linux/files/directory.js';
import { close, openat } from '../linux/files/open.js';
import type { Name } from '../vfs/name.js';

/** Removes a file, or a directory with all that is in it; what is missing is no error. */
export function removeBelow(dirfd: number, name: Name): void {
  const unlinked = unlinkat(dirfd, name, 0);
  if (unlinked === 0 || unlinked === -ENOENT) return;
  if (unlinkat(dirfd, name, AT_REMOVEDIR) === 0) return;
  const fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd === -ENOENT) return;
  check(fd, 'open', name);
  try {
    removeContent(fd);
  } finally {
    close(fd);
  }
  const removed = unlinkat(dirfd, name, AT_REMOVEDIR);
  if (removed === -ENOTEMPTY) throw fsError(ENOTEMPTY, 'rmdir', name);
  if (removed !== -ENOENT) check(removed, 'rmdir', name);
}

/** Removes what is in a directory, open for reading; what goes meanwhile, the directory itself too, is no error. */
export function removeContent(fd: number, isToGo: (name: Name) => boolean = () => true): void {
  // It may have been read before, to its end.
  check(lseek(fd, 0, SEEK_SET), 'lseek');
  const names: { name: Name; type: number }[] = [];
  const result = readEntries(fd, (name, _ino, type) => {
    if (isToGo(name)) names.push({ name, type });
  });
  // It was removed itself.
  if (result !== -ENOENT) check(result, 'getdents64');
  for (const { name, type } of names) {
    if (type === DT_DIR) removeBelow(fd, name);
    else unlinkIfThere(fd, name);
  }
}

function unlinkIfThere(dirfd: number, name: Name): void {
  const unlinked = unlinkat(dirfd, name, 0);
  if (unlinked !== -ENOENT) check(unlinked, 'unlink', name);
}
