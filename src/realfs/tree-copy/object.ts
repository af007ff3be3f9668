/**
 * One object of a copy: made new in the target's directory, or, where the policy says so, in place of what is there. No
 * symlink is followed, so that what the trees hold, which may come from anybody, leads nowhere else.
 */

import { EBUSY, EEXIST, EISDIR, ENOENT, EPERM } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  S_IFLNK,
  S_IFMT,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { mkdirat, mknodat, readlinkat, symlinkat, unlinkat } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { displayName } from '../../vfs/name.js';
import { copyData, tryClone } from '../copy-data.js';
import type { Place } from '../real-object.js';
import type { Attributes } from './attributes.js';
import { settleRefusal } from './attributes.js';
import type { CopyPolicy } from './policy.js';

/** An object of the source, as it was when its copy began. */
export interface SourceObject extends Attributes, Readonly<Place> {
  readonly nlink: number;
  readonly sizeBytes: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly dev: number;
  readonly ino: number;
  /** Its path below the first object, for messages. */
  readonly shown: string;
}

/** Looks at a source. @param shown its path for messages. */
export function lookAt({ dirfd, name }: Readonly<Place>, shown: string): SourceObject {
  const stat = new Statx();
  const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  check(statx(dirfd, name, flags, STATX_BASIC_STATS, stat), 'statx', shown);
  const { mode, uid, gid, nlink, sizeBytes, rdevMajor, rdevMinor, dev, ino } = stat;
  const { mtimeSec, mtimeNsec, atimeSec, atimeNsec } = stat;
  return {
    dirfd,
    name,
    shown,
    type: mode & S_IFMT,
    mode,
    uid,
    gid,
    mtimeSec,
    mtimeNsec,
    atime: { sec: atimeSec, nsec: atimeNsec },
    nlink,
    sizeBytes,
    rdevMajor,
    rdevMinor,
    dev,
    ino,
  };
}

/** Opens what an O_PATH descriptor names, by its magic link. */
export function openForReading({ dirfd, name }: Readonly<Place>, shown: string, flags = 0): number {
  const opened =
    name !== ''
      ? openat(dirfd, name, O_RDONLY | O_NOFOLLOW | flags)
      : openat(dirfd, `/proc/self/fd/${dirfd}`, O_RDONLY | flags);
  return check(opened, 'open', shown);
}

/** A directory, or the one that is there. @returns an open descriptor. */
export function makeDirectory(
  { dirfd, name }: Readonly<Place>,
  { conflicts }: Pick<CopyPolicy, 'conflicts'>,
): number {
  const shown = displayName(name);
  const made = mkdirat(dirfd, name, 0o700);
  if (made !== -EEXIST || conflicts === 'refuse') check(made, 'mkdir', shown);
  const fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd >= 0 || made >= 0) return check(fd, 'open', shown);
  throw new UserError(`cannot overwrite non-directory '${shown}' with a directory`);
}

/** A new file to write; one that is there goes, or is emptied where it cannot. @returns an open descriptor. */
export function makeFile(target: Readonly<Place>, { conflicts }: Pick<CopyPolicy, 'conflicts'>): number {
  const isBusy = conflicts === 'replace' && makeRoom(target);
  const flags = O_WRONLY | O_NOFOLLOW | (isBusy ? O_TRUNC : O_CREAT | O_EXCL);
  return check(openat(target.dirfd, target.name, flags, 0o600), 'open', displayName(target.name));
}

/** Removes a non-directory of that name. @returns whether it is there still, as a mount point. */
export function makeRoom({ dirfd, name }: Readonly<Place>): boolean {
  const gone = unlinkat(dirfd, name, 0);
  if (gone === -EISDIR || gone === -EPERM)
    throw new UserError(`cannot overwrite directory '${displayName(name)}' with a non-directory`);
  if (gone === -EBUSY) return true;
  if (gone !== -ENOENT) check(gone, 'unlink', displayName(name));
  return false;
}

/** A file with the data of the source: by a reflink where there is one, holes stay holes. */
export function copyFile(source: SourceObject, target: Readonly<Place>, policy: CopyPolicy): void {
  const { shown } = source;
  const from = openForReading(source, shown, O_NONBLOCK);
  try {
    const to = makeFile(target, policy);
    try {
      if (!tryClone(from, to)) check(copyData(from, to, source.sizeBytes), 'copy', shown);
    } finally {
      close(to);
    }
  } finally {
    close(from);
  }
}

/** A symlink, device, fifo or socket. @returns false when the target refuses it and the policy forgives that. */
export function copySpecial(source: SourceObject, target: Readonly<Place>, policy: CopyPolicy): boolean {
  const { shown, type, rdevMajor, rdevMinor } = source;
  if (policy.conflicts === 'replace' && makeRoom(target))
    throw new UserError(`cannot overwrite '${shown}': something is mounted there`);
  if (type === S_IFLNK) {
    const content = readlinkat(source.dirfd, source.name);
    if (typeof content === 'number') throw fsError(-content, 'readlink', shown);
    check(symlinkat(content, target.dirfd, target.name), 'symlink', shown);
    return true;
  }
  const result = mknodat(target.dirfd, target.name, type | 0o600, rdevMajor, rdevMinor);
  if (result < 0) settleRefusal(policy, { call: 'mknod', result, path: shown });
  return result >= 0;
}
