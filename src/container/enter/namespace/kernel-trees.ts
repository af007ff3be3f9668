/**
 * /proc and /sys of a container, less what tells of the host or changes it: Docker's list (moby oci/defaults.go), read-only
 * or covered.
 *
 * All goes by the descriptor of the file system itself; no name that the image controls is on the way.
 */

import { ENOENT } from '../../../errno/errno.js';
import { check } from '../../../errno/fs-error.js';
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
} from '../../../linux/constants.js';
import { privateTmpfs } from '../../../linux/mount.js';
import { close, openat2 } from '../../../linux/open.js';
import type { Name } from '../../../vfs/name.js';
import { restrict } from './restrict.js';
import { attachTo, cloneTree, fileSystemOf, typeOf } from './root-tree.js';

/** include/uapi/linux/magic.h */
const PROC_SUPER_MAGIC = 0x9fa0;
const SYSFS_MAGIC = 0x62656572;

interface KernelTree {
  readonly place: string;
  readonly magic: number;
  readonly readOnly: readonly string[];
  readonly covered: readonly string[];
}

const KERNEL_TREES: readonly KernelTree[] = [
  {
    place: '/proc',
    magic: PROC_SUPER_MAGIC,
    readOnly: ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'],
    covered: [
      'acpi',
      'asound',
      'kcore',
      'keys',
      'latency_stats',
      'sched_debug',
      'scsi',
      'timer_list',
      'timer_stats',
    ],
  },
  {
    place: '/sys',
    magic: SYSFS_MAGIC,
    readOnly: [],
    covered: ['firmware', 'devices/virtual/powercap'],
  },
];

const READ_ONLY_FLAGS = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/** What is mounted at /proc or /sys, by whomever. */
export interface KernelMount {
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
    const rules = KERNEL_TREES.find((one) => one.place === place && one.magic === fileSystemOf(fd));
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

function cover(fd: number, path: string, nullFd: number): void {
  const isDirectory = typeOf(fd) === S_IFDIR;
  const lid = isDirectory
    ? privateTmpfs({ source: 'tmpfs', sizeBytes: 4096, mode: 0o755 }, READ_ONLY_FLAGS)
    : cloneTree(nullFd, path);
  check(lid, 'cover', path);
  attachTo(lid, fd, path);
  // The node is the host's: whoever is root here must not change its mode.
  restrict(lid, MOUNT_ATTR_RDONLY, path);
  close(lid);
}
