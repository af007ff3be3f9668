/** Opens what a mount shows: a host directory, a single host file, a volume, a tmpfs. */

import { mkdtempSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { ENOENT, errnoText } from '../../errno/errno.js';
import { FsError } from '../../errno/fs-error.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
  S_IFMT,
  STATX_BASIC_STATS,
  STATX_MNT_ID,
} from '../../linux/constants.js';
import { fchmodat, fchownat } from '../../linux/files/inode.js';
import { close, dup, openat, openat2 } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { clonePrivate, cloneTreePrivate, privateTmpfs } from '../../linux/mounts/mount.js';
import type { CallerIds } from '../../realfs/caller-ids.js';
import type { DescriptorCache } from '../../realfs/descriptor-cache.js';
import { descriptorPath } from '../../realfs/real-object.js';
import type { FileSystem } from '../../vfs/file-system.js';
import type { InodeNumbers } from '../../vfs/inode-numbers.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import { Quota } from '../mirror/quota.js';
import { missingSource } from '../request/kinds/bind-kind.js';
import type { BindRequest, MountRequest, TmpfsRequest, VolumeRequest } from '../request/types.js';
import { mirrorOfSource, mirrorOfTmpfs } from './make-mirror.js';
import { cloneWithoutOwn } from './own-mounts.js';
import { removePrivate } from './private-directory.js';

export interface OpenedSource {
  readonly system: FileSystem;
  /** For a single file: its name in the root of `system`. */
  readonly fileName: Name | undefined;
}

export interface SourceContext {
  readonly privileged: boolean;
  /** Absolute, free of symlinks. */
  readonly mountpoint: Name;
  /** Clones made so far, by what they are clones of; each is owned by the first mount that uses it. */
  readonly clones: Map<string, number>;
  /** The storage is remote. */
  readonly isRemote?: boolean;
  /** Where private directories are made when there is no privilege for a tmpfs. */
  readonly privateRoot: string;
  readonly callerIds: CallerIds;
  readonly inodeNumbers: InodeNumbers;
  readonly descriptors: DescriptorCache;
}

/** A directory or file of the host. @throws UserError when it cannot be opened. */
export function openBind(request: BindRequest, path: Name, context: SourceContext): OpenedSource {
  const found = openat(AT_FDCWD, path, O_PATH);
  if (found === -ENOENT) throw missingSource(request);
  const isFlat = request.recursive === 'disabled';
  return openAsMirror(request, { fd: opened(found, request, 'open'), isFlat }, context);
}

/** A volume's directory, or what lies at the subpath in it. @throws UserError when it cannot be opened. */
export function openVolume(request: VolumeRequest, path: Name, context: SourceContext): OpenedSource {
  const { subpath } = request;
  let fd = opened(openat(AT_FDCWD, path, O_PATH), request, 'open');
  if (subpath !== undefined) {
    const inside = openInside(fd, subpath);
    close(fd);
    fd = opened(inside, request, `open volume-subpath '${subpath}'`);
  }
  return openAsMirror(request, { fd, isFlat: false }, context);
}

interface OpenedPath {
  readonly fd: number;
  /** Without what is mounted below it. */
  readonly isFlat: boolean;
}

function openAsMirror(
  request: MountRequest,
  { fd, isFlat }: OpenedPath,
  context: SourceContext,
): OpenedSource {
  // Free of symlinks, as the kernel has it: a source that is a symlink is what it leads to.
  const path = readlinkSync(descriptorPath(fd), 'buffer').toString('latin1');
  const stat = statOf(fd, request);
  if ((stat.mode & S_IFMT) !== S_IFDIR) {
    close(fd);
    // The name counts, not the inode: when the host replaces the file, the mount shows the new one.
    const parent = opened(
      openat(AT_FDCWD, posix.dirname(path), O_PATH | O_DIRECTORY | O_NOFOLLOW),
      request,
      'open the directory',
    );
    const rootFd = isOneMount(parent, path)
      ? withoutAccessTimes(request, parent, context, clonePrivateReadOnly)
      : parent;
    return {
      system: mirrorOfSource(request, { rootFd, stat, isOfOneFile: true }, context),
      fileName: posix.basename(path),
    };
  }
  const own = withoutOwnMount(request, { fd, path, stat, isFlat }, context);
  // What is a clone already has all that it is to have.
  const cloneReadOnly = (from: number): number =>
    from === fd ? cloneWithoutOwn({ fd, path }, 'read-only') : cloneTreePrivate(from, 'read-only');
  const rootFd = withoutAccessTimes(request, own, context, cloneReadOnly);
  return {
    system: mirrorOfSource(request, { rootFd, stat, isOfOneFile: false }, context),
    fileName: undefined,
  };
}

/**
 * A read-only source through a clone of its mounts that moves no access time, as through the kernel's read-only binds: reads
 * by passthrough go by the mount of the file that they are given. What the host mounts below it later does not show then.
 */
function withoutAccessTimes(
  request: MountRequest,
  fd: number,
  context: SourceContext,
  clone: (fd: number) => number,
): number {
  if (!request.readOnly || !context.privileged || context.isRemote === true) return fd;
  const cloned = clone(fd);
  if (cloned < 0) return fd;
  close(fd);
  return cloned;
}

const clonePrivateReadOnly = (fd: number): number => clonePrivate(fd, { readOnly: true });

/** Whether nothing is mounted on the file itself, which a clone of its directory would not have. */
function isOneMount(directory: number, path: Name): boolean {
  const [above, below] = [new Statx(), new Statx()];
  const name = posix.basename(path);
  return (
    statx(directory, '', AT_EMPTY_PATH, STATX_MNT_ID, above) === 0 &&
    statx(directory, name, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, below) === 0 &&
    above.mountId === below.mountId
  );
}

/** Below a volume's root, whatever symlinks containers have left in it. */
function openInside(fd: number, subpath: string): number {
  return openat2(fd, nameFromText(subpath), O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/**
 * A source directory as it is before we mount. One that holds our mount point would lead back into the mount, and the
 * daemon would wait for itself; a private clone of the tree does not. Binds of one source share the clone, since the
 * kernel renames nothing between two.
 */
function withoutOwnMount(
  request: MountRequest,
  source: OpenedPath & { readonly path: Name; readonly stat: Statx },
  context: SourceContext,
): number {
  const { fd, path, stat, isFlat } = source;
  const isOver = context.mountpoint.startsWith(path === '/' ? '/' : `${path}/`);
  if (!isOver && !isFlat) return fd;
  if (!context.privileged) {
    close(fd);
    if (!isOver) throw needsPrivilege(request, 'bind-recursive=disabled');
    throw needsPrivilege(request, `a source that holds the mount point '${displayName(context.mountpoint)}'`);
  }
  const key = `${stat.dev}:${stat.ino}:${isFlat}`;
  const shared = context.clones.get(key);
  const clone =
    shared === undefined
      ? isFlat
        ? clonePrivate(fd, { readOnly: false })
        : cloneWithoutOwn({ fd, path }, 'as the original')
      : dup(shared);
  close(fd);
  context.clones.set(key, shared ?? clone);
  return opened(clone, request, 'clone');
}

function needsPrivilege(request: MountRequest, what: string): UserError {
  return new UserError(`cannot mount '${request.spec}': ${what} needs privileges`, {
    hint: 'run plyfs as root',
  });
}

const DEFAULT_TMPFS_MODE = 0o1777;

/** Privileged, a tmpfs of the kernel's own that no path leads to; else a private directory with a counted limit. */
export function openTmpfs(request: TmpfsRequest, context: SourceContext): OpenedSource {
  const mode = request.mode ?? DEFAULT_TMPFS_MODE;
  let rootFd: number;
  let quota: Quota | undefined;
  let onDetach = (): void => undefined;
  if (context.privileged) {
    rootFd = opened(
      privateTmpfs({
        mode,
        ...(request.sizeBytes === undefined ? {} : { sizeBytes: request.sizeBytes }),
        ...(request.maxInodes === undefined ? {} : { inodes: request.maxInodes }),
      }),
      request,
      'make a tmpfs',
    );
  } else {
    if (request.maxInodes !== undefined) throw needsPrivilege(request, 'nr_inodes');
    if ((request.uid ?? process.geteuid?.()) !== process.geteuid?.()) throw needsPrivilege(request, 'uid');
    const directory = privateDirectory(request, context);
    onDetach = () => removePrivate(directory);
    rootFd = opened(openat(AT_FDCWD, nameFromText(directory), O_PATH | O_DIRECTORY), request, 'open');
    if (request.sizeBytes !== undefined) quota = new Quota(request.sizeBytes);
  }
  if (request.uid !== undefined || request.gid !== undefined) {
    const chowned = fchownat(rootFd, '', request.uid ?? -1, request.gid ?? -1, AT_EMPTY_PATH);
    opened(chowned, request, 'change the owner of its root');
  }
  opened(fchmodat(rootFd, '', mode), request, 'change the mode of its root');
  return { system: mirrorOfTmpfs(request, { rootFd, quota, onDetach }, context), fileName: undefined };
}

function privateDirectory(request: TmpfsRequest, { privateRoot }: SourceContext): string {
  try {
    return mkdtempSync(posix.join(privateRoot, 'plyfs-tmpfs-'));
  } catch (cause) {
    throw new UserError(
      `cannot mount '${request.spec}': cannot make a directory in '${privateRoot}': ${reasonOf(cause)}`,
      { cause },
    );
  }
}

function statOf(fd: number, request: MountRequest): Statx {
  const stat = new Statx();
  opened(statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, stat), request, 'stat');
  return stat;
}

function opened(result: number, request: MountRequest, what: string): number {
  if (result >= 0) return result;
  const cause = new FsError(-result, { op: what, path: request.spec });
  throw new UserError(`cannot mount '${request.spec}': cannot ${what}: ${errnoText(-result)}`, { cause });
}
