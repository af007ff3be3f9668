/**
 * Makes a mounted container the root directory, with /proc, /dev and /sys of its own and the user's mounts as the kernel's,
 * and lets go of the host's tree.
 *
 * Whatever comes from the host is cloned before the root changes and attached after it, to what was opened inside the
 * container: a symlink planted there leads nowhere else. What the image lacks a mount point for plyfs offers as virtual
 * directories and files (host-files.ts). What the user mounts wins over what plyfs would put there.
 */

import { ENOENT } from '../../../errno/errno.js';
import { check, FsError, isErrno } from '../../../errno/fs-error.js';
import { UserError } from '../../../errno/user-error.js';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  OPEN_TREE_CLONE,
  S_IFDIR,
} from '../../../linux/constants.js';
import { close } from '../../../linux/files/open.js';
import { detachedMount, mount, moveMount, openTree, umount2 } from '../../../linux/mounts/mount.js';
import { pivotRoot } from '../../../linux/process/namespace.js';
import { type Name, nameFromText } from '../../../vfs/name.js';
import type { AttachedMount, EnterRequest } from '../enter-request.js';
import { type CloneOptions, cloneSource } from './clone-source.js';
import { contentOf, makeContents } from './content-files.js';
import { cloneDevices, type Device, makeDev, showDevices } from './devices.js';
import { attachGiven, cloneGiven } from './given-devices.js';
import { hideHost } from './kernel-trees.js';
import { prepareMounts, resolveTargets } from './namespace-attachments.js';
import { restrict } from './restrict.js';
import { openDescriptors, openRootTree, type RootTree, typeOf } from './root-tree.js';
import { cloneCgroups, showCgroups } from './show-cgroups.js';

const KERNEL_FLAGS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
const SYS_FLAGS = KERNEL_FLAGS | MOUNT_ATTR_RDONLY;

/** What plyfs mounts unless the user does. */
const OURS = ['/proc', '/dev', '/sys'];

/** @throws UserError, FsError */
export function makeRoot(request: EnterRequest): readonly AttachedMount[] {
  const { root = '/', files, privileged, rootless, mounts, runtime } = request;
  const descriptorsFd = openDescriptors();
  // Newer kernels list mounts in the order in which they were made; programs look for the root first.
  const rootFd = check(openTree(AT_FDCWD, nameFromText(root), OPEN_TREE_CLONE | AT_RECURSIVE), 'clone', root);
  // In a user namespace the kernel makes a new one only while another is in sight (namespace.c:mount_too_revealing()).
  const procFd = check(detachedMount('proc', KERNEL_FLAGS), 'mount', '/proc');
  // Without privilege only a view of the host's network may be shown, so it is that of the host.
  const sysFd = rootless
    ? openTree(AT_FDCWD, '/sys', OPEN_TREE_CLONE | AT_RECURSIVE)
    : check(detachedMount('sysfs', KERNEL_FLAGS | (privileged ? 0 : MOUNT_ATTR_RDONLY)), 'mount', '/sys');
  const devices = cloneDevices();
  const given = cloneGiven(runtime.devices ?? []);
  const cgroups = rootless ? [] : cloneCgroups(request.cgroups ?? []);
  const contents = contentOf(mounts);
  const others = mounts.filter(({ source }) => source.kind !== 'content');
  const candidates = others.map((one) => cloneSource(one, { privileged, rootless }));
  const clones = files.map(({ source, target }) => ({
    target,
    fd: check(openTree(AT_FDCWD, nameFromText(source), OPEN_TREE_CLONE), 'open', source),
  }));
  changeRoot(rootFd, root, request);
  const tree = openRootTree(descriptorsFd);
  const placed = resolveTargets(tree, [...candidates, ...makeContents(tree, contents, descriptorsFd)]);
  const taken = new Set(placed.map(({ place }) => place));
  const hostFiles = clones.flatMap(({ target, fd }) => {
    const place = pathOfFile(tree, target);
    return place === undefined || taken.has(place) ? [] : [{ place, fd }];
  });
  const ours = OURS.filter((place) => !taken.has(place) && isThere(tree, place));
  const attachments = prepareMounts(tree, placed, ours);
  attachments.at(OURS);
  const made = [
    { place: '/proc', fd: procFd },
    { place: '/sys', fd: sysFd },
  ];
  const kernels = made.filter(({ place, fd }) => fd >= 0 && ours.includes(place));
  for (const { place, fd } of kernels) tree.attach(fd, place);
  // That of the host, with all that is mounted there.
  if (rootless && !privileged && sysFd >= 0 && ours.includes('/sys')) restrict(sysFd, SYS_FLAGS, '/sys');
  if (ours.includes('/sys')) showCgroups(tree, cgroups, request);
  if (ours.includes('/dev')) {
    makeDev(tree, devices, taken, runtime.shmBytes);
    attachGiven(tree, given);
  } else if (taken.has('/dev') && !privileged && !rootless) {
    showDevices(tree, devices);
  }
  // Those of the user too.
  const his = placed.flatMap(({ place, fd }) => (fd === undefined ? [] : [{ place, fd }]));
  if (!privileged) hideHost([...kernels, ...his], nullOf(devices));
  attachments.except(OURS);
  for (const { place, fd } of hostFiles) attachFile(tree, place, fd);
  return attachments.attached;
}

function changeRoot(rootFd: number, root: string, { privileged, rootless }: CloneOptions): void {
  // What was cloned by now may spread to the host, and the other way round; nothing that follows does.
  makePrivate();
  check(moveMount(rootFd, '', AT_FDCWD, nameFromText(root), MOVE_MOUNT_F_EMPTY_PATH), 'attach', root);
  process.chdir(root);
  check(pivotRoot('.', '.'), 'pivot_root', root);
  check(umount2('.', MNT_DETACH), 'umount', 'the old root');
  process.chdir('/');
  makePrivate();
  // A device of the image is a disk of the host's; a user namespace opens none anyway.
  if (!privileged && !rootless) restrict(rootFd, MOUNT_ATTR_NODEV, '/');
  close(rootFd);
}

function makePrivate(): void {
  check(mount('', '/', '', MS_REC | MS_PRIVATE, ''), 'make private', '/');
}

/** @throws UserError when the image has something there that nothing can be mounted on. */
function isThere(tree: RootTree, place: Name): boolean {
  const fd = tree.openPlain(place);
  if (fd === -ENOENT) return false;
  const isDirectory = fd >= 0 && typeOf(fd) === S_IFDIR;
  if (fd >= 0) close(fd);
  if (isDirectory) return true;
  throw new UserError(`cannot run a command: the image's ${place} is not a directory`, {
    hint: 'a symbolic link or a file there could lead what is mounted elsewhere; mend the image',
  });
}

/** Where a file of ours goes; undefined when there is no such name. @throws UserError */
function pathOfFile(tree: RootTree, target: string): Name | undefined {
  const found = find(tree, target);
  if (found === undefined) return undefined;
  const top = `/${found.place.split('/')[1]}`;
  if (!found.isDirectory && !OURS.includes(top)) return found.place;
  const state = found.isDirectory ? 'is a directory' : `leads into ${top}`;
  throw new UserError(`cannot run a command: the image's ${target} ${state}`, {
    hint: 'it must be a file, or lead to one; mend the image',
  });
}

function find(tree: RootTree, target: string) {
  try {
    return tree.find(nameFromText(target));
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    throw new UserError(`cannot run a command: the image's ${target} leads nowhere: ${error.message}`, {
      cause: error,
    });
  }
}

/** A directory that the user has mounted need not have the name. */
function attachFile(tree: RootTree, place: Name, fd: number): void {
  try {
    tree.attach(fd, place);
  } catch (error) {
    if (!isErrno(error, ENOENT)) throw error;
  }
  close(fd);
}

function nullOf(devices: readonly Device[]): number {
  const fd = devices.find(({ name }) => name === 'null')?.fd;
  if (fd === undefined) throw new UserError('cannot run a command: the host has no /dev/null');
  return fd;
}
