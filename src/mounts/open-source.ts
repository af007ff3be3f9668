/** Opens what a mount shows: a host directory, a single host file, a volume, a tmpfs. */

import { mkdtempSync, rmSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoText } from '../errno/errno.js';
import { FsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import type { CallerIds } from '../files/caller-ids.js';
import type { DescriptorCache } from '../files/descriptor-cache.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  S_IFDIR,
  S_IFMT,
  STATX_BASIC_STATS,
} from '../linux/constants.js';
import { fchmodat, fchownat } from '../linux/inode.js';
import { clonePrivate, privateTmpfs } from '../linux/mount.js';
import { close, openat, openat2 } from '../linux/open.js';
import { Statx, statx } from '../linux/statx.js';
import { TTL_FOREVER } from '../vfs/attr.js';
import type { InodeNumbers } from '../vfs/inode-numbers.js';
import { type Name, nameFromText } from '../vfs/name.js';
import { MirrorFileSystem } from './mirror-file-system.js';
import { OwnerMap } from './owner-map.js';
import { Quota } from './quota.js';
import type { MountRequest, TmpfsRequest } from './spec/types.js';

export interface OpenedSource {
  readonly system: MirrorFileSystem;
  /** For a single file: its name in the root of `system`. */
  readonly fileName: Name | undefined;
}

export interface SourceContext {
  readonly privileged: boolean;
  /** Where private directories are made when there is no privilege for a tmpfs. */
  readonly privateRoot: string;
  readonly callerIds: CallerIds;
  readonly inodeNumbers: InodeNumbers;
  readonly descriptors: DescriptorCache;
}

/**
 * @param hostPath of a bind's source or a volume's directory.
 * @throws UserError when it cannot be opened.
 */
export function openSource(
  request: MountRequest,
  hostPath: Name | undefined,
  context: SourceContext,
): OpenedSource {
  if (request.type === 'tmpfs') return openTmpfs(request, context);
  if (request.type === 'image') {
    throw new UserError(`cannot mount '${request.spec}': image mounts need the image store`, {
      hint: 'mount its unpacked directory as a read-only bind',
    });
  }
  if (hostPath === undefined) throw new Error(`'${request.spec}' came without its host path`);
  return openHostPath(request, hostPath, context);
}

function openHostPath(request: MountRequest, hostPath: Name, context: SourceContext): OpenedSource {
  let fd = opened(openat(AT_FDCWD, hostPath, O_PATH), request, 'open');
  if (request.type === 'volume' && request.subpath !== undefined) {
    const inside = openat2(
      fd,
      nameFromText(request.subpath),
      O_PATH,
      0,
      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    );
    close(fd);
    fd = opened(inside, request, `open volume-subpath '${request.subpath}'`);
  }
  const stat = statOf(fd, request);
  if ((stat.mode & S_IFMT) !== S_IFDIR) {
    close(fd);
    // The name counts, not the inode: when the host replaces the file, the mount shows the new one.
    const parent = opened(
      openat(AT_FDCWD, posix.dirname(hostPath), O_PATH | O_DIRECTORY),
      request,
      'open the directory',
    );
    return { system: mirror(request, parent, stat, context), fileName: posix.basename(hostPath) };
  }
  if (request.type === 'bind' && request.recursive === 'disabled' && context.privileged) {
    const clone = opened(clonePrivate(fd, false), request, 'clone');
    close(fd);
    fd = clone;
  }
  return { system: mirror(request, fd, stat, context), fileName: undefined };
}

function mirror(
  request: MountRequest,
  rootFd: number,
  stat: Statx,
  context: SourceContext,
): MirrorFileSystem {
  const { owners } = request;
  return new MirrorFileSystem({
    rootFd,
    readOnly: request.readOnly,
    owners: owners === undefined ? undefined : new OwnerMap(owners, { uid: stat.uid, gid: stat.gid }),
    ttlMs: 0,
    quota: undefined,
    onDetach: () => undefined,
    callerIds: context.callerIds,
    inodeNumbers: context.inodeNumbers,
    descriptors: context.descriptors,
  });
}

const DEFAULT_TMPFS_MODE = 0o1777;

/** Privileged, a tmpfs of the kernel's own that no path leads to; else a private directory with a counted limit. */
function openTmpfs(request: TmpfsRequest, context: SourceContext): OpenedSource {
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
    if (request.uid !== undefined || request.gid !== undefined) {
      fchownat(rootFd, '', request.uid ?? -1, request.gid ?? -1, AT_EMPTY_PATH);
    }
  } else {
    const directory = mkdtempSync(posix.join(context.privateRoot, 'tmpfs-'));
    onDetach = () => rmSync(directory, { recursive: true, force: true });
    rootFd = opened(openat(AT_FDCWD, nameFromText(directory), O_PATH | O_DIRECTORY), request, 'open');
    fchmodat(rootFd, '', mode);
    if (request.sizeBytes !== undefined) quota = new Quota(request.sizeBytes);
  }
  const system = new MirrorFileSystem({
    rootFd,
    readOnly: request.readOnly,
    owners: undefined,
    // Nobody else can change it.
    ttlMs: TTL_FOREVER,
    quota,
    onDetach,
    callerIds: context.callerIds,
    inodeNumbers: context.inodeNumbers,
    descriptors: context.descriptors,
  });
  return { system, fileName: undefined };
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
