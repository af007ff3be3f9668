/**
 * Copies objects from one tree into another by descriptors: one name at a time, no symlink followed.
 *
 * Directories that are there are merged into, files that are there are replaced; a mount point, which cannot be, is
 * written over in place.
 */

import { EBUSY, EEXIST, EISDIR, ENODATA, ENOENT, EOPNOTSUPP, EPERM } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { copyData, tryClone } from '../../files/copy-data.js';
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
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import {
  forEachDirent,
  getdents64,
  linkat,
  mkdirat,
  mknodat,
  readlinkat,
  symlinkat,
  unlinkat,
} from '../../linux/directory.js';
import { fchmodat, fchownat, Times, utimensat } from '../../linux/inode.js';
import { close, openat } from '../../linux/open.js';
import { Statx, statx } from '../../linux/statx.js';
import { getxattrAt, listxattrAt, setxattrAt } from '../../linux/xattr.js';
import { isOverlayXattr } from '../../union/format.js';
import { displayName, type Name } from '../../vfs/name.js';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whose the copies are: `keep` is `-a`, undefined whoever runs the command. */
export type Owners = 'keep' | Owner | undefined;

/** What a new object gets, wherever it comes from. */
export interface Attributes {
  readonly type: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
}

const PERMISSIONS = 0o7777;
const DIRENT_BYTES = 64 * 1024;
const list = Buffer.allocUnsafeSlow(65536);
const value = Buffer.allocUnsafeSlow(65536);
const times = new Times();

export interface CopyRules {
  /** Permission bits of a copy, given the mode and type of its source. */
  readonly mode?: ((mode: number, type: number) => number) | undefined;
  /** Whether what lies at a path below the first object is copied. */
  readonly includes?: ((path: Name) => boolean) | undefined;
}

export class ObjectCopy {
  readonly #owners: Owners;
  readonly #rules: CopyRules;
  /** Names from the first object down to the one being copied. */
  readonly #path: Name[] = [];
  /** Descriptor of a directory of the target and the name there, by device and inode of the source. */
  readonly #links = new Map<string, { readonly fd: number; readonly name: Name }>();
  readonly #held: number[] = [];

  constructor(owners: Owners, rules: CopyRules = {}) {
    this.#owners = owners;
    this.#rules = rules;
  }

  /** The object `from` (name '' is what the descriptor names) becomes `name` in the directory. */
  object(fromFd: number, fromName: Name, targetFd: number, name: Name): void {
    const stat = statOf(fromFd, fromName);
    const type = stat.mode & S_IFMT;
    if (type === S_IFDIR) {
      const source = openForReading(fromFd, fromName, O_DIRECTORY);
      try {
        const target = this.makeDirectory(targetFd, name);
        try {
          this.content(source, target);
          this.finish(target, '', stat);
          if (this.#owners === 'keep') copyXattrs(source, '', target, '');
        } finally {
          close(target);
        }
      } finally {
        close(source);
      }
      return;
    }
    if (type === S_IFSOCK) return;
    if (this.#linked(stat, targetFd, name)) return;
    if (type === S_IFREG) this.#file(fromFd, fromName, targetFd, name, stat);
    else this.#special(fromFd, fromName, targetFd, name, stat);
    if (this.#owners === 'keep') copyXattrs(fromFd, fromName, targetFd, name);
  }

  /** What is in a directory goes into another. */
  content(source: number, target: number): void {
    for (const name of namesIn(source)) {
      this.#path.push(name);
      if (this.#rules.includes?.(this.#path.join('/')) !== false) this.object(source, name, target, name);
      this.#path.pop();
    }
  }

  /** The directory, made when it is missing. @returns an open descriptor. */
  makeDirectory(parent: number, name: Name): number {
    const made = mkdirat(parent, name, 0o700);
    if (made < 0 && made !== -EEXIST) check(made, 'mkdir', displayName(name));
    const fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd >= 0) return fd;
    throw new UserError(`cannot overwrite non-directory '${displayName(name)}' with a directory`);
  }

  /** A new file to write; one that is there goes, or is emptied where it cannot. */
  makeFile(parent: number, name: Name): number {
    const busy = this.clear(parent, name);
    const flags = busy ? O_TRUNC : O_CREAT | O_EXCL;
    return check(openat(parent, name, O_WRONLY | O_NOFOLLOW | flags, 0o600), 'open', displayName(name));
  }

  /** Removes a non-directory of that name. @returns whether it is there still, as a mount point. */
  clear(parent: number, name: Name): boolean {
    const gone = unlinkat(parent, name, 0);
    if (gone === -EISDIR || gone === -EPERM) {
      throw new UserError(`cannot overwrite directory '${displayName(name)}' with a non-directory`);
    }
    if (gone === -EBUSY) return true;
    if (gone !== -ENOENT) check(gone, 'unlink', displayName(name));
    return false;
  }

  /** Owner first, since that clears set-id bits; times last. */
  finish(
    parent: number,
    name: Name,
    { type, mode, uid, gid, mtimeSec, mtimeNsec }: Attributes | StatAttributes,
  ): void {
    const shown = displayName(name);
    const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
    const owner = this.#owners === 'keep' ? { uid, gid } : this.#owners;
    if (owner !== undefined) check(fchownat(parent, name, owner.uid, owner.gid, flags), 'chown', shown);
    if (type !== S_IFLNK) {
      const permissions = this.#rules.mode?.(mode, type) ?? mode;
      check(fchmodat(parent, name, permissions & PERMISSIONS), 'chmod', shown);
    }
    times.atimeSec = mtimeSec;
    times.atimeNsec = mtimeNsec;
    times.mtimeSec = mtimeSec;
    times.mtimeNsec = mtimeNsec;
    check(utimensat(parent, name, times, flags), 'utimes', shown);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#held.splice(0)) close(fd);
  }

  #file(fromFd: number, fromName: Name, targetFd: number, name: Name, stat: StatAttributes): void {
    const from = openForReading(fromFd, fromName, O_NONBLOCK);
    try {
      const to = this.makeFile(targetFd, name);
      try {
        if (!tryClone(from, to)) check(copyData(from, to, stat.sizeBytes), 'copy', displayName(name));
      } finally {
        close(to);
      }
    } finally {
      close(from);
    }
    this.finish(targetFd, name, stat);
  }

  #special(fromFd: number, fromName: Name, targetFd: number, name: Name, stat: StatAttributes): void {
    const shown = displayName(name);
    if (this.clear(targetFd, name))
      throw new UserError(`cannot overwrite '${shown}': something is mounted there`);
    if (stat.type === S_IFLNK) {
      const content = readlinkat(fromFd, fromName);
      if (typeof content === 'number') throw fsError(-content, 'readlink', shown);
      check(symlinkat(content, targetFd, name), 'symlink', shown);
    } else {
      check(mknodat(targetFd, name, stat.type | 0o600, stat.major, stat.minor), 'mknod', shown);
    }
    this.finish(targetFd, name, stat);
  }

  /** The second name of a file that was copied before becomes a link. */
  #linked(stat: StatAttributes, targetFd: number, name: Name): boolean {
    if (stat.nlink < 2) return false;
    const known = this.#links.get(stat.identity);
    if (known === undefined) {
      const fd = check(openat(targetFd, '.', O_RDONLY | O_DIRECTORY), 'open', '.');
      this.#held.push(fd);
      this.#links.set(stat.identity, { fd, name });
      return false;
    }
    if (this.clear(targetFd, name)) return false;
    check(linkat(known.fd, known.name, targetFd, name, 0), 'link', displayName(name));
    return true;
  }
}

interface StatAttributes extends Attributes {
  readonly nlink: number;
  readonly sizeBytes: number;
  readonly major: number;
  readonly minor: number;
  readonly identity: string;
}

function statOf(fd: number, name: Name): StatAttributes {
  const stat = new Statx();
  const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  check(statx(fd, name, flags, STATX_BASIC_STATS, stat), 'statx', displayName(name));
  return {
    type: stat.mode & S_IFMT,
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    mtimeSec: stat.mtimeSec,
    mtimeNsec: stat.mtimeNsec,
    nlink: stat.nlink,
    sizeBytes: stat.sizeBytes,
    major: stat.rdevMajor,
    minor: stat.rdevMinor,
    identity: `${stat.dev}:${stat.ino}`,
  };
}

/** Of an O_PATH descriptor the magic link opens exactly what it names. */
function openForReading(fd: number, name: Name, flags: number): number {
  const opened =
    name !== ''
      ? openat(fd, name, O_RDONLY | O_NOFOLLOW | flags)
      : openat(fd, `/proc/self/fd/${fd}`, O_RDONLY | flags);
  return check(opened, 'open', displayName(name));
}

function copyXattrs(fromFd: number, from: Name, toFd: number, to: Name): void {
  const length = listxattrAt(fromFd, from, list);
  if (length === 0 || length === -EOPNOTSUPP) return;
  check(length, 'listxattr', displayName(from));
  for (const attribute of list.toString('latin1', 0, length).split('\0')) {
    if (attribute === '' || attribute === 'security.selinux' || isOverlayXattr(attribute)) continue;
    const got = getxattrAt(fromFd, from, attribute, value);
    if (got === -ENODATA) continue;
    check(got, 'getxattr', displayName(from));
    const set = setxattrAt(toFd, to, attribute, value.subarray(0, got), 0);
    // What the target cannot keep is no reason to copy nothing.
    if (set !== -EOPNOTSUPP && set !== -EPERM) check(set, 'setxattr', displayName(to));
  }
}

export function namesIn(fd: number): Name[] {
  const buffer = Buffer.allocUnsafe(DIRENT_BYTES);
  const names: Name[] = [];
  for (;;) {
    const length = check(getdents64(fd, buffer), 'getdents');
    if (length === 0) return names;
    forEachDirent(buffer, length, (name) => names.push(name));
  }
}
