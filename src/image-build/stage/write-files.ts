/**
 * COPY and ADD at the end where files arrive: Docker's rules for names, directories made on the way, owners and modes.
 *
 * Every path is resolved inside the tree's root (openat2 RESOLVE_IN_ROOT): a symlink of the image leads nowhere else.
 */

import { writeSync } from 'node:fs';
import { type CopyRules, copyPolicy } from '../../container/copy/copy-policy.js';
import { containerTree, type FileTree, findSource } from '../../container/copy/copy-target.js';
import { lastPlace } from '../../container/copy/last-place.js';
import { ENOENT } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { O_DIRECTORY, O_PATH, O_RDONLY, S_IFREG } from '../../linux/constants.js';
import { mkdirat, readlinkat } from '../../linux/files/directory.js';
import { fchownat } from '../../linux/files/inode.js';
import { close, openat } from '../../linux/files/open.js';
import { CAP_CHOWN, hasCapability } from '../../linux/process/process.js';
import { setAttributes } from '../../realfs/tree-copy/attributes.js';
import { makeFile } from '../../realfs/tree-copy/object.js';
import type { Owner, Owners } from '../../realfs/tree-copy/policy.js';
import { TreeCopy } from '../../realfs/tree-copy/walk.js';
import { type Name, nameFromText, textFromName } from '../../vfs/name.js';
import { PathNames } from '../../vfs/path-names.js';
import type { FileMode } from './file-mode.js';

/** The owner of copies where none is given; without CAP_CHOWN the user who builds, who is root in what RUN sees. */
export function defaultOwner(): Owner | undefined {
  return hasCapability(CAP_CHOWN) ? { uid: 0, gid: 0 } : undefined;
}

/** Keeps the owners of a tar, who may be anybody. */
export function keptOwners(): Owners {
  return hasCapability(CAP_CHOWN) ? 'keep' : undefined;
}

export interface Arrival {
  /** The root of the tree that is written. */
  readonly rootFd: number;
  /** Absolute; a slash at the end: a directory, made where it is missing. */
  readonly target: string;
  /** The owner of directories made on the way; undefined: root. */
  readonly owner: Owner | undefined;
}

interface FileSource {
  readonly tree: FileTree;
  readonly path: string;
  readonly owners: Owners;
  readonly rules: CopyRules;
}

/** A directory's content, or a file, comes to the target. @throws UserError, FsError */
export function writeSource(source: FileSource, arrival: Arrival): void {
  using found = findSource(source.tree, source.path === '' ? '.' : source.path, { followLink: true });
  using copy = new TreeCopy(copyPolicy(source.owners, source.rules));
  const { rootFd, target, owner } = arrival;
  const isInto = found.isDirectory || target.endsWith('/') || isDirectoryIn(rootFd, target);
  const { parent, name } = isInto
    ? { parent: makePath(rootFd, target, owner), name: found.shownName }
    : makeParent(rootFd, target, owner);
  try {
    if (found.isDirectory) {
      const from = check(openat(found.directoryFd, '.', O_RDONLY | O_DIRECTORY), 'open', source.path);
      try {
        copy.content(from, parent);
      } finally {
        close(from);
      }
    } else {
      copy.object({ dirfd: found.directoryFd, name: found.name }, { dirfd: parent, name });
    }
  } finally {
    close(parent);
  }
}

interface FileToWrite {
  readonly name: string;
  readonly mode: number;
  /** In place of the mode. */
  readonly permissions?: FileMode | undefined;
}

/** A file of the given content. */
export function writeContent(
  content: Buffer,
  { name, mode, permissions }: FileToWrite,
  { rootFd, target, owner }: Arrival,
): void {
  const isInto = target.endsWith('/') || isDirectoryIn(rootFd, target);
  const { parent, name: made } = isInto
    ? { parent: makePath(rootFd, target, owner), name: nameFromText(name) }
    : makeParent(rootFd, target, owner);
  const policy = copyPolicy(owner ?? defaultOwner(), { mode: permissions });
  const place = { dirfd: parent, name: made };
  try {
    const fd = makeFile(place, policy);
    try {
      for (let done = 0; done < content.byteLength; ) done += writeSync(fd, content, done);
    } finally {
      close(fd);
    }
    const mtimeSec = Math.floor(Date.now() / 1000);
    setAttributes(place, { type: S_IFREG, mode, uid: 0, gid: 0, mtimeSec, mtimeNsec: 0 }, policy);
  } finally {
    close(parent);
  }
}

interface NewPlace {
  /** A descriptor. */
  readonly parent: number;
  readonly name: Name;
}

/** Where a file of that path is made: at the end of the symlinks that have the name, even when nothing is there. */
function makeParent(rootFd: number, path: string, owner: Owner | undefined): NewPlace {
  const open = (directory: Name): number => makePath(rootFd, textFromName(directory), owner);
  const { directoryFd, name } = lastPlace(nameFromText(path), { followLink: true, open });
  return { parent: directoryFd, name };
}

/** The directory, with those above it, made where they are missing. @returns a descriptor. */
export function makePath(rootFd: number, path: string, owner: Owner | undefined): number {
  const tree = containerTree(rootFd, 'build');
  let here = '/';
  const names = new PathNames(nameFromText(path));
  for (let next = names.next(); next !== undefined; next = names.next()) {
    const name = textFromName(next);
    const above = here;
    // Not joined: `..` behind a symlink is above where that leads.
    here = `${above === '/' ? '' : above}/${name}`;
    const fd = tree.open(nameFromText(here), O_PATH | O_DIRECTORY);
    if (fd >= 0) {
      close(fd);
      continue;
    }
    const link = fd === -ENOENT ? linkAt(tree, above, name) : undefined;
    // It leads to what is not there yet, and shall be.
    const from = link === undefined ? undefined : names.follow(link);
    if (from !== undefined) here = from === 'root' ? '/' : above;
    else if (fd === -ENOENT) makeDirectory(tree, above, name, owner);
    else throw new UserError(`cannot copy to '${path}': ${fsError(-fd, 'open', here).message}`);
  }
  return check(tree.open(nameFromText(here), O_RDONLY | O_DIRECTORY), 'open', path);
}

function linkAt(tree: FileTree, above: string, name: string): Name | undefined {
  const parent = check(tree.open(nameFromText(above), O_PATH | O_DIRECTORY), 'open', above);
  const link = readlinkat(parent, nameFromText(name));
  close(parent);
  return typeof link === 'number' ? undefined : link;
}

function makeDirectory(tree: FileTree, above: string, name: string, owner: Owner | undefined): void {
  const parent = check(tree.open(nameFromText(above), O_PATH | O_DIRECTORY), 'open', above);
  try {
    check(mkdirat(parent, nameFromText(name), 0o755), 'mkdir', name);
    if (owner) check(fchownat(parent, nameFromText(name), owner.uid, owner.gid, 0), 'chown', name);
  } finally {
    close(parent);
  }
}

export function isDirectoryIn(rootFd: number, path: string): boolean {
  const fd = containerTree(rootFd, 'build').open(nameFromText(path), O_PATH | O_DIRECTORY);
  if (fd >= 0) close(fd);
  return fd >= 0;
}
