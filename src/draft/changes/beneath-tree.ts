/**
 * A tree that is reached from the descriptor of its root alone: no symlink is followed on the way, nothing leads out of it or
 * into what is mounted in it (openat2), whoever renames there meanwhile.
 *
 * Paths are names with slashes between, relative to the root; '' is the root itself.
 */

import { ELOOP, ENOENT, ENOTDIR, EXDEV } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  S_IFMT,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { close, openat, openat2 } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { namesIn } from '../../realfs/tree-copy/walk.js';
import { displayName, type Name } from '../../vfs/name.js';

const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

/** What an object is, without its content. */
export interface Side {
  /** S_IFMT bits. */
  readonly type: number;
  /** With the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly ino: number;
  readonly sizeBytes: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly atimeSec: number;
  readonly atimeNsec: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly ctimeSec: number;
  readonly ctimeNsec: number;
}

/** A directory, and a name in it. */
interface HeldPlace extends Disposable {
  readonly dirfd: number;
  readonly name: Name;
}

const stat = new Statx();

export class BeneathTree implements Disposable {
  /** Absolute. */
  readonly path: Name;
  readonly fd: number;

  /** @throws FsError */
  constructor(path: Name) {
    this.path = path;
    this.fd = check(openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 'open', displayName(path));
  }

  [Symbol.dispose](): void {
    close(this.fd);
  }

  /** @returns a descriptor, or a negated errno. */
  open(path: Name, flags: number): number {
    return openat2(this.fd, path === '' ? '.' : path, flags | O_NOFOLLOW, 0, RESOLVE);
  }

  /** Undefined where there is nothing, or where the way there leads through a symlink or a mount. */
  look(path: Name): Side | undefined {
    const fd = this.open(path, O_PATH);
    if (isNothing(fd)) return undefined;
    check(fd, 'open', this.shown(path));
    try {
      check(
        statx(fd, '', AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, stat),
        'statx',
        this.shown(path),
      );
      return sideOf(stat);
    } finally {
      close(fd);
    }
  }

  /** The directory that a path lies in, and its last name. @throws FsError */
  hold(path: Name): HeldPlace {
    const slash = path.lastIndexOf('/');
    const folder = slash < 0 ? '' : path.slice(0, slash);
    const dirfd = check(this.open(folder, O_RDONLY | O_DIRECTORY), 'open', this.shown(folder));
    return { dirfd, name: path.slice(slash + 1), [Symbol.dispose]: () => void close(dirfd) };
  }

  /** The names in a directory, sorted. @throws FsError */
  names(path: Name): Name[] {
    const fd = check(this.open(path, O_RDONLY | O_DIRECTORY), 'open', this.shown(path));
    try {
      return namesIn(fd).sort();
    } finally {
      close(fd);
    }
  }

  /** Text for messages. */
  shown(path: Name): string {
    return displayName(joined(this.path, path));
  }
}

/** Whether a result says that there is no such object. */
function isNothing(result: number): boolean {
  return [-ENOENT, -ENOTDIR, -ELOOP, -EXDEV].includes(result);
}

function sideOf(found: Statx): Side {
  const { mode, uid, gid, nlink, ino, sizeBytes, rdevMajor, rdevMinor } = found;
  const { atimeSec, atimeNsec, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = found;
  const times = { atimeSec, atimeNsec, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec };
  return { type: mode & S_IFMT, mode, uid, gid, nlink, ino, sizeBytes, rdevMajor, rdevMinor, ...times };
}

/** `path` below an absolute one. */
export function joined(root: Name, path: Name): Name {
  if (path === '') return root;
  return root === '/' ? `/${path}` : `${root}/${path}`;
}

/** The path of a name in a directory. */
export function below(path: Name, name: Name): Name {
  return path === '' ? name : `${path}/${name}`;
}
