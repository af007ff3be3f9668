/**
 * Makes the mounts that go over a container's tree, while the host's paths still lead to the host: each as a detached
 * mount, which no path leads to and which goes with its descriptor.
 *
 * What the kernel refuses an ordinary user (a mount that his namespace has locked), or lacks (mount_setattr(2) before
 * 5.12), is left to the tree, which shows the same.
 */

import { readlinkSync } from 'node:fs';
import { EINVAL, ENOENT, ENOSYS, EPERM, errnoText } from '../../../errno/errno.js';
import { UserError } from '../../../errno/user-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_SLAVE,
  O_PATH,
  OPEN_TREE_CLONE,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  STATX_MNT_ID,
  STATX_TYPE,
} from '../../../linux/constants.js';
import { close, openat, openat2 } from '../../../linux/files/open.js';
import { fstatfs, StatFsResult } from '../../../linux/files/statfs.js';
import { fstatx, Statx } from '../../../linux/files/statx.js';
import { mountSetattr, openTree, privateTmpfs } from '../../../linux/mounts/mount.js';
import { readMountinfo } from '../../../linux/mounts/mountinfo.js';
import { ownMountsBelow, whereUnmounted } from '../../../mounts/kinds/own-mounts.js';
import type { Propagation } from '../../../mounts/request/types.js';
import type { HostSource, NamespaceMount, TmpfsSource } from '../enter-request.js';

/** A mount to be attached; `fd` is undefined where only the tree can show it. */
export interface Candidate {
  readonly mount: NamespaceMount;
  readonly fd: number | undefined;
  /** An ordinary file: the tree follows its name when the host replaces it, the kernel does not. */
  readonly isFollowed: boolean;
}

export interface CloneOptions {
  readonly privileged: boolean;
  readonly rootless: boolean;
}

/** PRECONDITION: the source is no content of an order. @throws UserError */
export function cloneSource(mount: NamespaceMount, options: CloneOptions): Candidate {
  const { source } = mount;
  if (source.kind === 'tree' || source.kind === 'content') return { mount, fd: undefined, isFollowed: false };
  if (source.kind === 'tmpfs') {
    const fd = settled(makeTmpfs(source, { readOnly: mount.readOnly }), mount, options);
    return { mount, fd, isFollowed: false };
  }
  const opened = openHost(source);
  if (opened === -ENOENT) throw problem(mount, opened);
  const sourceFd = settled(opened, mount, options);
  if (sourceFd === undefined) return { mount, fd: undefined, isFollowed: false };
  try {
    return cloneHost(mount, source, sourceFd, options);
  } finally {
    close(sourceFd);
  }
}

function cloneHost(
  mount: NamespaceMount,
  source: HostSource,
  sourceFd: number,
  options: CloneOptions,
): Candidate {
  const stat = new Statx();
  const stated = settled(fstatx(sourceFd, STATX_TYPE | STATX_MNT_ID, stat), mount, options);
  const type = stat.mode & S_IFMT;
  const isDirectory = type === S_IFDIR;
  if (stated === undefined) return { mount, fd: undefined, isFollowed: false };
  if (source.isAsked && !options.rootless) checkPropagation(mount, source.propagation, stat.mountId);
  const attr = attributesOf(mount, { isDirectory }, options);
  const apart = isDirectory && !options.rootless ? cloneApart(sourceFd, source, attr) : undefined;
  const fd = settled(apart ?? cloneWith(sourceFd, source, attr), mount, options);
  return { mount, fd, isFollowed: type === S_IFREG && !isMadeByKernel(sourceFd) };
}

/**
 * Clones a source that holds containers without their trees, each of which would live as long as the clone where
 * the host does not share its mounts. Undefined for any other source, and where it cannot be had.
 */
function cloneApart(sourceFd: number, source: HostSource, attr: number): number | undefined {
  if (source.recursive === 'disabled' || source.propagation.endsWith('shared')) return undefined;
  const path = readlinkSync(`/proc/self/fd/${sourceFd}`, 'buffer').toString('latin1');
  const away = ownMountsBelow(path, readMountinfo()).filter((place) => CONTAINER_TREE.test(place));
  if (away.length === 0) return undefined;
  const clone = (fd: number): number => cloneWith(fd, source, attr);
  const made = whereUnmounted({ fd: sourceFd, path }, { away, spread: MS_SLAVE }, clone);
  return made < 0 ? undefined : made;
}

/** Below the root of a store. */
const CONTAINER_TREE = /\/containers\/[0-9a-f]{64}\/merged$/;

/** A device that is named is meant; one that happens to lie in a directory is not. */
function attributesOf(
  { readOnly }: NamespaceMount,
  { isDirectory }: { readonly isDirectory: boolean },
  { privileged }: CloneOptions,
): number {
  return (readOnly ? MOUNT_ATTR_RDONLY : 0) | (isDirectory && !privileged ? MOUNT_ATTR_NODEV : 0);
}

function openHost({ path, subpath }: HostSource): number {
  const fd = openat(AT_FDCWD, path, O_PATH);
  if (fd < 0 || subpath === undefined) return fd;
  const inside = openat2(fd, subpath, O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  close(fd);
  return inside;
}

function cloneWith(sourceFd: number, { recursive, propagation }: HostSource, attr: number): number {
  const below = recursive === 'disabled' ? 0 : AT_RECURSIVE;
  const fd = openTree(sourceFd, '', OPEN_TREE_CLONE | AT_EMPTY_PATH | below);
  if (fd < 0) return fd;
  // Read-only in all that lies below, but where the options ask otherwise.
  const deep = recursive === 'writable' ? attr & ~MOUNT_ATTR_RDONLY : attr;
  const spread = SPREAD[propagation];
  const results = [
    mountSetattr(fd, '', AT_EMPTY_PATH | AT_RECURSIVE, deep, 0, spread),
    deep === attr ? 0 : mountSetattr(fd, '', AT_EMPTY_PATH, attr, 0),
  ];
  const failed = results.find((result) => result < 0);
  if (failed === undefined) return fd;
  close(fd);
  return failed;
}

/** What each propagation makes of the source and of all that is mounted below it now, with or without the `r`; 0: it stays shared as it is. */
const SPREAD: Readonly<Record<Propagation, number>> = {
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE,
  slave: MS_SLAVE,
  rslave: MS_SLAVE,
  shared: 0,
  rshared: 0,
};

/** What Docker asks of the host for it (moby daemon/oci_linux.go). @throws UserError */
function checkPropagation({ spec }: NamespaceMount, propagation: Propagation, mountId: number): void {
  if (propagation === 'private' || propagation === 'rprivate') return;
  const holder = readMountinfo().find((entry) => entry.mountId === mountId);
  const tags = holder?.propagation ?? '';
  const isShared = tags.includes('shared:');
  const isEnough = propagation.endsWith('shared') ? isShared : isShared || tags.includes('master:');
  if (holder === undefined || isEnough) return;
  const wanted = propagation.endsWith('shared') ? 'a shared mount' : 'a shared or slave mount';
  throw new UserError(
    `cannot mount '${spec}': its source lies on '${holder.mountpoint}', which is not ${wanted}`,
    {
      hint: `'mount --make-shared ${holder.mountpoint}' makes it one`,
    },
  );
}

function makeTmpfs({ allows, ...limits }: TmpfsSource, { readOnly }: { readonly readOnly: boolean }): number {
  const attr =
    (allows.includes('exec') ? 0 : MOUNT_ATTR_NOEXEC) |
    (allows.includes('suid') ? 0 : MOUNT_ATTR_NOSUID) |
    (allows.includes('dev') ? 0 : MOUNT_ATTR_NODEV) |
    (readOnly ? MOUNT_ATTR_RDONLY : 0);
  const { sizeBytes, mode, uid, gid, inodes } = limits;
  const options = {
    source: 'tmpfs',
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(inodes === undefined ? {} : { inodes }),
  };
  return privateTmpfs(options, attr);
}

/** include/uapi/linux/magic.h: proc, sysfs, cgroup, cgroup2, debugfs, tracefs, securityfs, bpf, configfs, selinuxfs. */
const MADE_BY_KERNEL = [
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163, 0x73636673, 0xcafe4a11, 0x62656570,
  0xf97cff8c,
];

/** Files whose content is made when they are read, and whose size says 0. */
function isMadeByKernel(fd: number): boolean {
  const out = new StatFsResult();
  return fstatfs(fd, out) >= 0 && MADE_BY_KERNEL.includes(out.type);
}

/** Undefined where the tree has to serve. @throws UserError */
function settled(result: number, mount: NamespaceMount, { rootless }: CloneOptions): number | undefined {
  if (result >= 0) return result;
  if (result === -ENOSYS || (rootless && (result === -EPERM || result === -EINVAL))) return undefined;
  throw problem(mount, result);
}

function problem({ spec }: NamespaceMount, result: number): UserError {
  return new UserError(`cannot mount '${spec}': ${errnoText(-result)}`);
}
