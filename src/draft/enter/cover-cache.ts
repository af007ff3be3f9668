/**
 * A directory that is read-only in a draft shows as it is and can be written: kernel overlayfs with an upper in memory, which is gone
 * with the last process of the draft.
 */

import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { check } from '../../errno/fs-error.js';
import {
  AT_FDCWD,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOSUID,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_NOSUID,
  O_DIRECTORY,
  O_PATH,
} from '../../linux/constants.js';
import { close, openat } from '../../linux/files/open.js';
import { mount, moveMount, privateTmpfs, umount2 } from '../../linux/mounts/mount.js';
import { displayName, type Name } from '../../vfs/name.js';

/**
 * Where the kernel or the file system has no overlay of it the directory stays read-only.
 * @param xattrs where overlayfs may keep its marks. PRECONDITION: /proc is mounted. @throws FsError
 */
export function coverCache(path: Name, xattrs: 'trusted' | 'user'): void {
  const lower = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  // The host has taken it away meanwhile.
  if (lower < 0) return;
  const memory = check(privateTmpfs({ mode: 0o700 }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV), 'mount', 'tmpfs');
  const [lowerPlace, memoryPlace] = [`/proc/self/fd/${lower}`, `/proc/self/fd/${memory}`];
  const { mode, uid, gid } = statSync(lowerPlace);
  for (const name of ['upper', 'work']) mkdirSync(`${memoryPlace}/${name}`);
  chownSync(`${memoryPlace}/upper`, uid, gid);
  chmodSync(`${memoryPlace}/upper`, mode & 0o7777);
  // Overlayfs takes an upper of this namespace alone; the overlay hides it.
  check(moveMount(memory, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH), 'attach', displayName(path));
  const places = `lowerdir=${lowerPlace},upperdir=${memoryPlace}/upper,workdir=${memoryPlace}/work`;
  const options = xattrs === 'user' ? `${places},userxattr` : places;
  if (mount('overlay', path, 'overlay', MS_NOSUID | MS_NODEV, options) < 0)
    check(umount2(path, 0), 'umount', displayName(path));
  close(memory);
  close(lower);
}
