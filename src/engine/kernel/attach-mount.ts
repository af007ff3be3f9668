/**
 * Attaching /dev/fuse to a mount point, and taking the mount away again.
 *
 * With CAP_SYS_ADMIN: open(2) and mount(2), see Documentation/filesystems/fuse.rst for the data string. Without:
 * fusermount3 (man 1 fusermount3), which is setuid and hands the descriptor over the socket named in _FUSE_COMMFD.
 * No shell, no parsing of mount points: any byte but NUL may stand in them.
 * INVARIANT: mount(2) only queues INIT and returns, so the session may start to serve after `attach()`.
 */

import { closeSync, existsSync } from 'node:fs';
import {
  EACCES,
  EBUSY,
  EINVAL,
  ELOOP,
  ENODEV,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EPERM,
  errnoText,
} from '../../errno/errno.js';
import { check, FsError } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_FDCWD,
  MNT_DETACH,
  MS_DIRSYNC,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REMOUNT,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  O_NONBLOCK,
  O_RDWR,
} from '../../linux/constants.js';
import { openat } from '../../linux/files/open.js';
import { HeldMountPoint, type MountedPlace, unmountAt } from '../../linux/mounts/held-mount-point.js';
import { CAP_SYS_ADMIN, hasCapability } from '../../linux/process/process.js';
import { displayName, type Name } from '../../vfs/name.js';
import { attachWithFusermount, detachWithFusermount } from './attach-fusermount.js';
import { FS_TYPE } from './attach-mountinfo.js';

/** Options of mount(8) that are flags of mount(2). */
const VFS_FLAGS: ReadonlyMap<string, number> = new Map([
  ['nosuid', MS_NOSUID],
  ['nodev', MS_NODEV],
  ['noexec', MS_NOEXEC],
  ['noatime', MS_NOATIME],
  ['nodiratime', MS_NODIRATIME],
  ['strictatime', MS_STRICTATIME],
  ['sync', MS_SYNCHRONOUS],
  ['dirsync', MS_DIRSYNC],
]);

/** Flags of mount(2) that make a mount that stands have these options, and no other that is a flag. */
export function remountFlags(options: readonly string[]): number {
  const start = MS_REMOUNT | (options.includes('ro') ? MS_RDONLY : 0);
  return options.reduce((bits, name) => bits | (VFS_FLAGS.get(name) ?? 0), start);
}

export interface AttachMountOptions {
  /** Absolute, free of symlinks. */
  readonly mountpoint: Name;
  /** The whole mount, at the VFS: only right when nothing below it may be written. */
  readonly readOnly: boolean;
  /** Keys of VFS_FLAGS; others are ignored. */
  readonly vfsOptions: readonly string[];
  /** The source as mountinfo shows it. */
  readonly fsname: Name;
  /** `context=` and its kind, which the kernel's SELinux takes; of no meaning on a host without. */
  readonly contexts?: Readonly<Record<string, string>> | undefined;
  /** Only for mounts without privilege; privileged ones are open to all users, under default_permissions. */
  readonly allowOther: boolean;
}

interface MountedDevice {
  /** Non-blocking, close-on-exec; the mount is aborted when its last copy is closed. */
  readonly fuseFd: number;
  /** Mounted by mount(2), so that umount2(2) takes it away. */
  readonly privileged: boolean;
  /** Where a privileged mount is, whatever its path leads to later. */
  readonly place?: MountedPlace;
}

/**
 * Mounts an unserved FUSE file system; nothing stays mounted when it fails.
 * @throws UserError that names the mount point.
 */
export async function attach(options: AttachMountOptions): Promise<MountedDevice> {
  if (hasCapability(CAP_SYS_ADMIN)) {
    const attached = attachPrivileged(options);
    if (attached !== undefined) return attached;
  }
  return { fuseFd: await attachWithFusermount(options), privileged: false };
}

/** Undefined: mount(2) is forbidden in spite of the capability (seccomp, a container's profile). */
function attachPrivileged(options: AttachMountOptions): MountedDevice | undefined {
  const place = HeldMountPoint.at(options.mountpoint);
  if (typeof place === 'number') throw cannotMount(options.mountpoint, mountPointProblem(place));
  using held = place;
  const fuseFd = mountFuse(options, held);
  if (fuseFd === undefined) return undefined;
  const mounted = held.mounted();
  // Moved in that moment: its path has to do.
  return { fuseFd, privileged: true, ...(typeof mounted === 'number' ? {} : { place: mounted }) };
}

function mountFuse(options: AttachMountOptions, place: HeldMountPoint): number | undefined {
  const fuseFd = openFuseDevice();
  const data = [
    `fd=${fuseFd}`,
    'rootmode=40000',
    `user_id=${process.geteuid?.() ?? 0}`,
    `group_id=${process.getegid?.() ?? 0}`,
    'default_permissions',
    'allow_other',
    ...contextsOf(options),
  ].join(',');
  const flags = options.vfsOptions.reduce(
    (bits, name) => bits | (VFS_FLAGS.get(name) ?? 0),
    options.readOnly ? MS_RDONLY : 0,
  );
  const result = place.mount({ source: options.fsname, type: FS_TYPE, flags, data });
  if (result >= 0) return fuseFd;
  closeSync(fuseFd);
  if (result === -EPERM || result === -EACCES) return undefined;
  throw cannotMount(
    options.mountpoint,
    mountPointProblem(result),
    result === -ENODEV ? DOCTOR_HINT : undefined,
  );
}

/** A kernel without SELinux takes them for options of FUSE, and refuses them. */
function contextsOf({ contexts = {} }: AttachMountOptions): string[] {
  if (!existsSync('/sys/fs/selinux/enforce')) return [];
  return Object.entries(contexts).map(([name, value]) => `${name}="${value}"`);
}

/** The path is free of symlinks, and led to a directory when it was looked at. */
function mountPointProblem(result: number): string {
  const wasSwapped = result === -ELOOP || result === -ENOTDIR;
  return wasSwapped ? 'something else has taken its place meanwhile' : errnoText(-result);
}

const DOCTOR_HINT = "'plyfs doctor' says what this host lacks";

/** @throws UserError when the device is missing or closed to this user. */
export function openFuseDevice(): number {
  const fd = openat(AT_FDCWD, '/dev/fuse', O_RDWR | O_NONBLOCK);
  if (fd >= 0) return fd;
  const expected = [ENOENT, ENXIO, ENODEV, EACCES, EPERM].includes(-fd);
  throw new UserError(`cannot open '/dev/fuse': ${errnoText(-fd)}`, expected ? { hint: DOCTOR_HINT } : {});
}

function cannotMount(mountpoint: Name, reason: string, hint?: string): UserError {
  return new UserError(`cannot mount on '${displayName(mountpoint)}': ${reason}`, { hint });
}

interface DetachOptions {
  /** Take the name away at once; the file system lives until its last user is gone. */
  readonly lazy: boolean;
  readonly privileged: boolean;
  /** Where it is, when this process has mounted it. */
  readonly place?: MountedPlace | undefined;
}

/**
 * Unmounts the topmost mount of `mountpoint`; never follows a symlink there or on the way.
 * @throws FsError EBUSY when it is in use and `lazy` is false; EINVAL, ENOENT when nothing is mounted there.
 */
export async function detachMount(
  mountpoint: Name,
  { lazy, privileged, place }: DetachOptions,
): Promise<void> {
  if (!privileged) return detachWithFusermount(mountpoint, { lazy });
  const flags = lazy ? MNT_DETACH : 0;
  const result = place?.unmount(flags) ?? unmountAt(mountpoint, flags);
  check(result, 'umount', displayName(mountpoint));
}

/** What is left of a failed `detach()`: busy, gone already, or unexpected. */
export function detachOutcome(error: unknown): 'busy' | 'gone' | 'failed' {
  if (!(error instanceof FsError)) return 'failed';
  if (error.errno === EBUSY) return 'busy';
  return error.errno === EINVAL || error.errno === ENOENT ? 'gone' : 'failed';
}
