/**
 * /proc and /sys of a container, less what tells of the host or changes it: Docker's list (moby oci/defaults.go), read-only
 * or covered.
 *
 * All goes by the descriptor of the file system itself; no name that the image controls is on the way.
 */

import { EINVAL, ENOENT } from '../../../errno/errno.js';
import { check } from '../../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  O_NOFOLLOW,
  O_PATH,
  OPEN_TREE_CLONE,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
} from '../../../linux/constants.js';
import { close, openat2 } from '../../../linux/files/open.js';
import { openTree, privateTmpfs } from '../../../linux/mounts/mount.js';
import type { Name } from '../../../vfs/name.js';
import { HIDDEN_PATHS } from './hidden-paths.js';
import { restrict } from './restrict.js';
import { attachTo, cloneTree, fileSystemOf, typeOf } from './root-tree.js';

/** include/uapi/linux/magic.h */
const PROC_SUPER_MAGIC = 0x9fa0;
const SYSFS_MAGIC = 0x62656572;

const MAGIC: Readonly<Record<string, number>> = { '/proc': PROC_SUPER_MAGIC, '/sys': SYSFS_MAGIC };

const READ_ONLY_FLAGS = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/** What is mounted at /proc or /sys, by whomever. */
interface KernelMount {
  readonly place: Name;
  readonly fd: number;
}

/**
 * Hides the host in /proc and /sys.
 * PRECONDITION: they are attached; what is a mount of something else is left as it is.
 * @param nullFd a detached mount of the host's /dev/null.
 * @throws FsError
 */
export function hideHost(mounts: readonly KernelMount[], nullFd: number): void {
  for (const { place, fd } of mounts) {
    const rules = HIDDEN_PATHS.find((one) => one.place === place && MAGIC[place] === fileSystemOf(fd));
    if (rules === undefined) continue;
    for (const name of rules.readOnly) withName(fd, name, (found) => makeReadOnly(found, `${place}/${name}`));
    for (const name of rules.covered) withName(fd, name, (found) => cover(found, `${place}/${name}`, nullFd));
  }
}

function withName(fd: number, name: string, act: (found: number) => void): void {
  const flags = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const found = openat2(fd, name, O_PATH | O_NOFOLLOW, 0, flags);
  // What this kernel does not have.
  if (found === -ENOENT) return;
  check(found, 'open', name);
  act(found);
  close(found);
}

function makeReadOnly(fd: number, path: string): void {
  const clone = cloneTree(fd, path);
  attachTo(clone, fd, path);
  restrict(clone, READ_ONLY_FLAGS, path);
  close(clone);
}

/** Before Linux 6.15 only what is attached can be cloned: there the mount itself is the first lid, and the others its clones. */
function cloneLid(nullFd: number, path: string): number {
  const clone = openTree(nullFd, '', OPEN_TREE_CLONE | AT_EMPTY_PATH);
  return clone === -EINVAL ? nullFd : check(clone, 'clone', path);
}

function cover(fd: number, path: string, nullFd: number): void {
  const isDirectory = typeOf(fd) === S_IFDIR;
  const lid = isDirectory
    ? privateTmpfs({ source: 'tmpfs', sizeBytes: 4096, mode: 0o755 }, READ_ONLY_FLAGS)
    : cloneLid(nullFd, path);
  check(lid, 'cover', path);
  attachTo(lid, fd, path);
  // The node is the host's: whoever is root here must not change its mode.
  restrict(lid, MOUNT_ATTR_RDONLY, path);
  if (lid !== nullFd) close(lid);
}
