/**
 * Copies a directory tree with all that can be copied: owners, modes, times to the nanosecond, xattrs (ACLs and
 * capabilities among them), hard links, holes, fifos, sockets, devices.
 *
 * Both sides are walked by descriptors, one name at a time, and no symlink is followed: what the trees hold may come
 * from anybody. What is mounted below the source is not entered.
 */

import { EINVAL, ENODATA, EOPNOTSUPP, EPERM } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { copyData, tryClone } from '../files/copy-data.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  STATX_BASIC_STATS,
} from '../linux/constants.js';
import { syncfs } from '../linux/data.js';
import {
  forEachDirent,
  getdents64,
  linkat,
  mkdirat,
  mknodat,
  readlinkat,
  symlinkat,
} from '../linux/directory.js';
import { fchmod, fchmodat, fchownat, Times, utimensat } from '../linux/inode.js';
import { close, openat } from '../linux/open.js';
import { fstatx, Statx, statx } from '../linux/statx.js';
import { getxattrAt, listxattrAt, setxattrAt } from '../linux/xattr.js';
import { isOverlayXattr } from '../union/format.js';
import { displayName, type Name, nameFromText } from '../vfs/name.js';

export interface CopyOutcome {
  readonly files: number;
  /** Of files, as they are long; a file with several names once. */
  readonly bytes: number;
  /** What the target's storage refused and the copy goes without, a line each. */
  readonly warnings: readonly string[];
}

/**
 * Copies the content of directory `from` into the existing, empty directory `to`, and the attributes of `from` onto it.
 * On disk on return.
 * @throws FsError of what cannot be read or written.
 */
export function copyTree(from: string, to: string): CopyOutcome {
  const source = openDirectory(AT_FDCWD, nameFromText(from), from);
  try {
    const target = openDirectory(AT_FDCWD, nameFromText(to), to);
    try {
      const copy = new TreeCopy();
      copy.directory(source, target, '');
      check(syncfs(target), 'syncfs', to);
      return copy;
    } finally {
      close(target);
    }
  } finally {
    close(source);
  }
}

const DIRENT_BYTES = 64 * 1024;
const PERMISSIONS = 0o7777;
/** The largest list and value that Linux has (XATTR_LIST_MAX, XATTR_SIZE_MAX). */
const list = Buffer.allocUnsafeSlow(65536);
const value = Buffer.allocUnsafeSlow(65536);
const times = new Times();

class TreeCopy implements CopyOutcome {
  files = 0;
  bytes = 0;
  readonly #warnings = new Map<string, string>();
  /** Target paths of files with several names, by device and inode. */
  readonly #links = new Map<string, Name>();
  #rootFd = -1;
  #device = -1;

  get warnings(): string[] {
    return [...this.#warnings.values()];
  }

  /** `path` is that of both below their roots, for hard links and messages. */
  directory(source: number, target: number, path: Name): void {
    const stat = new Statx();
    check(fstatx(source, STATX_BASIC_STATS, stat), 'statx', displayName(path));
    if (path === '') {
      this.#rootFd = target;
      this.#device = stat.dev;
    }
    const isOurs = stat.dev === this.#device;
    for (const name of isOurs ? namesIn(source) : []) {
      this.#entry(source, target, name, path === '' ? name : `${path}/${name}`);
    }
    this.#attributes(source, '', target, '', stat, path);
  }

  #entry(source: number, target: number, name: Name, path: Name): void {
    const stat = new Statx();
    const found = statx(source, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, stat);
    check(found, 'statx', displayName(path));
    const type = stat.mode & S_IFMT;
    if (type === S_IFDIR) {
      this.#subdirectory(source, target, name, path);
      return;
    }
    this.files++;
    const key = `${stat.dev}:${stat.ino}`;
    const known = stat.nlink > 1 ? this.#links.get(key) : undefined;
    if (known !== undefined) {
      check(linkat(this.#rootFd, known, target, name, 0), 'link', displayName(path));
      return;
    }
    if (type === S_IFREG) this.#file(source, target, name, stat, path);
    else if (!this.#special(source, target, name, stat, path)) return;
    if (stat.nlink > 1) this.#links.set(key, path);
  }

  #subdirectory(source: number, target: number, name: Name, path: Name): void {
    check(mkdirat(target, name, 0o700), 'mkdir', displayName(path));
    const from = openDirectory(source, name, displayName(path));
    try {
      const to = openDirectory(target, name, displayName(path));
      try {
        this.directory(from, to, path);
      } finally {
        close(to);
      }
    } finally {
      close(from);
    }
  }

  #file(source: number, target: number, name: Name, stat: Statx, path: Name): void {
    const shown = displayName(path);
    const from = check(openat(source, name, O_RDONLY | O_NOFOLLOW), 'open', shown);
    try {
      const to = check(openat(target, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), 'open', shown);
      try {
        if (!tryClone(from, to)) check(copyData(from, to, stat.sizeBytes), 'copy', shown);
      } finally {
        close(to);
      }
    } finally {
      close(from);
    }
    this.bytes += stat.sizeBytes;
    this.#attributes(source, name, target, name, stat, path);
  }

  /** @returns false when it was left out. */
  #special(source: number, target: number, name: Name, stat: Statx, path: Name): boolean {
    const shown = displayName(path);
    if ((stat.mode & S_IFMT) === S_IFLNK) {
      const content = readlinkat(source, name);
      if (typeof content === 'number') throw fsError(-content, 'readlink', shown);
      check(symlinkat(content, target, name), 'symlink', shown);
    } else {
      const made = mknodat(target, name, (stat.mode & S_IFMT) | 0o600, stat.rdevMajor, stat.rdevMinor);
      if (made === -EPERM || made === -EOPNOTSUPP || made === -EINVAL) {
        this.#warn('mknod', `'${shown}' is left out: a special file cannot be made there`);
        return false;
      }
      check(made, 'mknod', shown);
    }
    this.#attributes(source, name, target, name, stat, path);
    return true;
  }

  /** Owner first, since that clears set-id bits and capabilities; times last. */
  #attributes(source: number, from: Name, target: number, to: Name, stat: Statx, path: Name): void {
    const shown = path === '' ? '.' : displayName(path);
    const flags = to === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
    const chowned = fchownat(target, to, stat.uid, stat.gid, flags);
    if (isRefusal(chowned)) this.#warn('chown', `'${shown}' and perhaps others keep another owner`);
    else check(chowned, 'chown', shown);
    this.#xattrs(source, from, target, to, shown);
    if ((stat.mode & S_IFMT) !== S_IFLNK) {
      const mode = stat.mode & PERMISSIONS;
      const changed = to === '' ? fchmod(target, mode) : fchmodat(target, to, mode);
      if (isRefusal(changed)) this.#warn('chmod', `'${shown}' and perhaps others keep another mode`);
      else check(changed, 'chmod', shown);
    }
    times.atimeSec = stat.atimeSec;
    times.atimeNsec = stat.atimeNsec;
    times.mtimeSec = stat.mtimeSec;
    times.mtimeNsec = stat.mtimeNsec;
    const timed = utimensat(target, to, times, flags);
    if (isRefusal(timed)) this.#warn('utimes', `'${shown}' and perhaps others keep other times`);
    else check(timed, 'utimes', shown);
  }

  #xattrs(source: number, from: Name, target: number, to: Name, shown: string): void {
    const length = listxattrAt(source, from, list);
    if (length === -EOPNOTSUPP || length === 0) return;
    check(length, 'listxattr', shown);
    for (const attribute of list.toString('latin1', 0, length).split('\0')) {
      if (attribute === '' || isOverlayXattr(attribute)) continue;
      const got = getxattrAt(source, from, attribute, value);
      if (got === -ENODATA) continue;
      check(got, 'getxattr', shown);
      const set = setxattrAt(target, to, attribute, value.subarray(0, got), 0);
      if (isRefusal(set)) this.#warn(attribute, `'${shown}' and perhaps others go without ${attribute}`);
      else check(set, 'setxattr', shown);
    }
  }

  /** Of each kind once, with the first name. */
  #warn(kind: string, text: string): void {
    if (!this.#warnings.has(kind)) this.#warnings.set(kind, text);
  }
}

/** What storage says that cannot, or we that may not; a target that is full or read-only is another matter. */
function isRefusal(result: number): boolean {
  return result === -EPERM || result === -EOPNOTSUPP || result === -EINVAL;
}

function openDirectory(dirfd: number, name: Name, shown: string): number {
  return check(
    openat(dirfd, name, O_RDONLY | O_DIRECTORY | (dirfd === AT_FDCWD ? 0 : O_NOFOLLOW)),
    'open',
    shown,
  );
}

function namesIn(fd: number): Name[] {
  const buffer = Buffer.allocUnsafe(DIRENT_BYTES);
  const names: Name[] = [];
  for (;;) {
    const length = check(getdents64(fd, buffer), 'getdents');
    if (length === 0) return names;
    forEachDirent(buffer, length, (name) => names.push(name));
  }
}
