/**
 * /sys/fs/cgroup of a container that has cgroups of its own: these, as Docker shows them, so that programs that look for their
 * limits (a JVM) find them. They are read-only but for `--privileged`.
 */

import { check } from '../../../errno/fs-error.js';
import {
  AT_FDCWD,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLONE,
} from '../../../linux/constants.js';
import { mkdirat } from '../../../linux/files/directory.js';
import { close } from '../../../linux/files/open.js';
import { openTree, privateTmpfs } from '../../../linux/mounts/mount.js';
import { nameFromText } from '../../../vfs/name.js';
import type { ShownCgroup } from '../enter-request.js';
import { restrict } from './restrict.js';
import type { RootTree } from './root-tree.js';

const PLACE = '/sys/fs/cgroup';
const FLAGS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
const SIZE_BYTES = 4096;

interface ClonedCgroup {
  readonly target: string;
  readonly fd: number;
}

/** To be called while /sys is the host's. @throws FsError */
export function cloneCgroups(shown: readonly ShownCgroup[]): ClonedCgroup[] {
  return shown
    .filter(({ target }) => target === PLACE || target.startsWith(`${PLACE}/`))
    .map(({ source, target }) => {
      const fd = check(openTree(AT_FDCWD, nameFromText(source), OPEN_TREE_CLONE), 'clone', source);
      return { target, fd };
    });
}

/** PRECONDITION: /sys is a sysfs that was just attached. @throws FsError */
export function showCgroups(
  tree: RootTree,
  cgroups: readonly ClonedCgroup[],
  { privileged }: { readonly privileged: boolean },
): void {
  if (cgroups.length === 0) return;
  const isWhole = cgroups.some(({ target }) => target === PLACE);
  const base = isWhole ? undefined : attachDirectories(tree, cgroups);
  for (const { target, fd } of cgroups) {
    tree.attach(fd, nameFromText(target));
    restrict(fd, FLAGS | (privileged ? 0 : MOUNT_ATTR_RDONLY), target);
    close(fd);
  }
  if (base === undefined) return;
  if (!privileged) restrict(base, FLAGS | MOUNT_ATTR_RDONLY, PLACE);
  close(base);
}

/** One for each hierarchy of cgroup version 1. @returns the tmpfs that they are in. */
function attachDirectories(tree: RootTree, cgroups: readonly ClonedCgroup[]): number {
  const options = { source: 'tmpfs', sizeBytes: SIZE_BYTES, mode: 0o755 };
  const fd = check(privateTmpfs(options, FLAGS), 'mount', PLACE);
  for (const { target } of cgroups)
    check(mkdirat(fd, nameFromText(target.slice(PLACE.length + 1)), 0o755), 'mkdir', target);
  tree.attach(fd, nameFromText(PLACE));
  return fd;
}
