/**
 * A FUSE mount that no path leads to: whoever has a descriptor of it puts it where he likes. fsopen(2), fsconfig(2), fsmount(2), with
 * the options of Documentation/filesystems/fuse.rst.
 *
 * INVARIANT: nothing here waits for an answer of the mount, which is not served yet.
 */

import { closeSync, readFileSync } from 'node:fs';
import { check } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_STATX_DONT_SYNC,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  STATX_TYPE,
} from '../../linux/constants.js';
import { close } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { fsconfigCreate, fsconfigFlag, fsconfigString, fsmount, fsopen } from '../../linux/mounts/mount.js';
import { displayName, type Name } from '../../vfs/name.js';
import { type AttachMountOptions, openFuseDevice } from './attach-mount.js';
import { FS_TYPE } from './attach-mountinfo.js';

const ATTRIBUTES: ReadonlyMap<string, number> = new Map([
  ['nosuid', MOUNT_ATTR_NOSUID],
  ['nodev', MOUNT_ATTR_NODEV],
  ['noexec', MOUNT_ATTR_NOEXEC],
]);

/** A mount that has no place; its last descriptor takes it away, unless it has got one. */
export class DetachedPlace {
  /** The root, O_PATH; -1 when it was let go of. */
  #fd: number;
  readonly mountId: number;
  /** `major:minor` */
  readonly device: string;

  constructor(fd: number) {
    this.#fd = fd;
    this.mountId = Number(/^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]);
    const stat = new Statx();
    check(statx(fd, '', AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, stat), 'statx');
    this.device = `${stat.devMajor}:${stat.devMinor}`;
  }

  /** Undefined when it was let go of. */
  get fd(): number | undefined {
    return this.#fd < 0 ? undefined : this.#fd;
  }

  /** It lives on for those who have it. */
  release(): void {
    if (this.#fd >= 0) close(this.#fd);
    this.#fd = -1;
  }
}

interface DetachedDevice {
  /** As that of `attach()`. */
  readonly fuseFd: number;
  readonly privileged: true;
  readonly detached: DetachedPlace;
}

/** Makes an unserved FUSE file system; nothing of it stays when that fails. PRECONDITION: CAP_SYS_ADMIN. @throws UserError, FsError */
export function attachDetached(
  options: Pick<AttachMountOptions, 'mountpoint' | 'fsname' | 'vfsOptions'>,
): DetachedDevice {
  const fuseFd = openFuseDevice();
  try {
    const fd = check(makeDetached(fuseFd, options), 'mount', displayName(options.mountpoint));
    return { fuseFd, privileged: true, detached: new DetachedPlace(fd) };
  } catch (error) {
    closeSync(fuseFd);
    throw error;
  }
}

/** @returns a descriptor, or a negative errno. */
function makeDetached(
  fuseFd: number,
  { fsname, vfsOptions }: Pick<AttachMountOptions, 'fsname' | 'vfsOptions'>,
): number {
  const [type = '', subtype = ''] = FS_TYPE.split('.');
  const context = fsopen(type, FSOPEN_CLOEXEC);
  if (context < 0) return context;
  const settings: readonly (readonly [Name, Name])[] = [
    ['source', fsname],
    ['subtype', subtype],
    ['fd', String(fuseFd)],
    ['rootmode', '40000'],
    ['user_id', String(process.geteuid?.() ?? 0)],
    ['group_id', String(process.getegid?.() ?? 0)],
  ];
  const results = [
    ...settings.map(([key, value]) => fsconfigString(context, key, value)),
    ...['default_permissions', 'allow_other'].map((key) => fsconfigFlag(context, key)),
  ];
  const attributes = vfsOptions.reduce((bits, name) => bits | (ATTRIBUTES.get(name) ?? 0), 0);
  const created = results.find((one) => one < 0) ?? fsconfigCreate(context);
  const fd = created < 0 ? created : fsmount(context, FSMOUNT_CLOEXEC, attributes);
  close(context);
  return fd;
}
