/**
 * Where `cp` reads and writes: paths of the host, or of a container's tree, where every path and every symlink on the
 * way is resolved inside the container's root (openat2 RESOLVE_IN_ROOT).
 */

import { EAGAIN, ELOOP, ENOENT, ENOTDIR } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_IN_ROOT,
  S_IFDIR,
  S_IFMT,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { close, openat, openat2 } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { displayName, type Name, nameFromText } from '../../vfs/name.js';
import { lastPlace } from './last-place.js';

export interface FileTree {
  /** `the host`, `container 'web'`. */
  readonly label: string;
  /** A descriptor, or a negated errno. */
  open(path: Name, flags: number): number;
}

/** @param cwd absolute. */
export function hostTree(cwd: string): FileTree {
  const base = nameFromText(cwd);
  return {
    label: 'the host',
    open: (path, flags) => openat(AT_FDCWD, path.startsWith('/') ? path : `${base}/${path}`, flags),
  };
}

const ATTEMPTS = 100;

/** @param rootFd the root of a mounted container; relative paths are taken from there. */
export function containerTree(rootFd: number, name: string): FileTree {
  return {
    label: `container '${name}'`,
    open: (path, flags) => {
      let fd = -EAGAIN;
      // Renames at the same time make the kernel ask to try again.
      for (let attempt = 0; attempt < ATTEMPTS && fd === -EAGAIN; attempt++) {
        fd = openat2(rootFd, path.startsWith('/') ? path : `/${path}`, flags, 0, RESOLVE_IN_ROOT);
      }
      return fd;
    },
  };
}

/** An object by its directory and its name there; '' names the directory itself. */
interface EntryAt extends Disposable {
  readonly directoryFd: number;
  readonly name: Name;
}

export interface Source extends EntryAt {
  readonly isDirectory: boolean;
  /** `/.` at the end: what is in it, and not it. */
  readonly contentOnly: boolean;
  /** What it is called at the other end. */
  readonly shownName: Name;
}

/** @throws UserError when it is not there. */
export function findSource(
  tree: FileTree,
  path: string,
  { followLink }: { readonly followLink: boolean },
): Source {
  const bytes = nameFromText(path);
  const clean = normalise(bytes);
  const contentOnly = /(?:^|\/)\.$/.test(bytes) || clean === '';
  const mustBeDirectory = contentOnly || bytes.endsWith('/');
  const last = clean.slice(clean.lastIndexOf('/') + 1);
  const followed = mustBeDirectory || followLink || last === '..';
  const fd = tree.open(bytes === '' ? '.' : bytes, O_PATH | (followed ? 0 : O_NOFOLLOW));
  if (fd < 0) throw notThere(tree, path, fd);
  const isDirectory = isDirectoryAt(fd);
  if (mustBeDirectory && !isDirectory) {
    close(fd);
    throw new UserError(`cannot copy '${path}' of ${tree.label}: not a directory`);
  }
  return {
    directoryFd: fd,
    name: '',
    isDirectory,
    contentOnly,
    shownName: last === '..' ? '' : last,
    ...closing(fd),
  };
}

export interface CopyTarget {
  readonly kind: 'directory' | 'other' | 'missing';
  /** The place itself; of a directory, its descriptor with name ''. */
  readonly place: EntryAt;
}

interface TargetOptions {
  /** A directory will be copied there: a slash behind a name that is missing says what it shall be. */
  readonly forDirectory: boolean;
}

/** @throws UserError when its parent is not there. */
export function findTarget(
  tree: FileTree,
  path: string,
  { forDirectory }: TargetOptions = { forDirectory: false },
): CopyTarget {
  const bytes = nameFromText(path);
  const fd = tree.open(bytes === '' ? '.' : bytes, O_PATH);
  const endsInSlash = /\/\.?$/.test(bytes);
  if (fd >= 0) {
    if (isDirectoryAt(fd)) return { kind: 'directory', place: { directoryFd: fd, name: '', ...closing(fd) } };
    close(fd);
  } else if (fd === -ENOTDIR && endsInSlash) {
    throw new UserError(`cannot copy to '${path}' of ${tree.label}: not a directory`);
  } else if (fd !== -ENOENT) {
    throw notThere(tree, path, fd);
  }
  if (endsInSlash && !forDirectory)
    throw new UserError(`cannot copy to '${path}' of ${tree.label}: no such directory`);
  const name = endsInSlash ? path.replace(/\/+\.?$/, '') : path;
  return { kind: fd >= 0 ? 'other' : 'missing', place: findParent(tree, name, { followLink: true }) };
}

/** The directory that holds the last name, which may be missing; where symlinks lead, when they are followed. */
export function findParent(
  tree: FileTree,
  path: string,
  { followLink }: { readonly followLink: boolean },
): EntryAt {
  const open = (parent: Name): number => {
    const directoryFd = tree.open(parent, O_PATH | O_DIRECTORY);
    if (directoryFd < 0) throw notThere(tree, displayName(parent), directoryFd, 'directory');
    return directoryFd;
  };
  const { directoryFd, name } = lastPlace(nameFromText(path), { followLink, open });
  return { directoryFd, name, ...closing(directoryFd) };
}

function closing(fd: number): Disposable {
  return { [Symbol.dispose]: () => void close(fd) };
}

function isDirectoryAt(fd: number): boolean {
  const stat = new Statx();
  check(statx(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, stat), 'statx');
  return (stat.mode & S_IFMT) === S_IFDIR;
}

/** Without empty parts, `.` and slashes at the end. */
function normalise(path: Name): Name {
  return path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/');
}

function notThere(tree: FileTree, path: string, errno: number, what = 'file'): UserError {
  if (errno === -ENOENT || errno === -ENOTDIR)
    return new UserError(`could not find the ${what} '${path}' in ${tree.label}`);
  if (errno === -ELOOP)
    return new UserError(`could not find the ${what} '${path}' in ${tree.label}: too many symbolic links`);
  return asUserError(errno, path, tree);
}

function asUserError(errno: number, path: string, tree: FileTree): UserError {
  try {
    check(errno, 'open', path);
  } catch (error) {
    return new UserError(`cannot open '${path}' of ${tree.label}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  throw new Error(`${errno} is no error`);
}
