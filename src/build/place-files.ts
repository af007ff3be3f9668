/**
 * COPY and ADD at the end where files arrive: Docker's rules for names, directories made on the way, owners and modes.
 *
 * Every path is resolved inside the tree's root (openat2 RESOLVE_IN_ROOT): a symlink of the image leads nowhere else.
 */

import { writeSync } from 'node:fs';
import { posix } from 'node:path';
import { type CopyRules, ObjectCopy, type Owner, type Owners } from '../container/copy/copy-objects.js';
import { containerTree, findSource, type Tree } from '../container/copy/place.js';
import { ENOENT } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { O_DIRECTORY, O_PATH, O_RDONLY, S_IFREG } from '../linux/constants.js';
import { mkdirat, readlinkat } from '../linux/directory.js';
import { fchownat } from '../linux/inode.js';
import { close, openat } from '../linux/open.js';
import { CAP_CHOWN, hasCapability } from '../linux/process.js';
import { type Name, nameFromText, textFromName } from '../vfs/name.js';
import type { FileMode } from './file-mode.js';

/** Whom copies belong to when nobody says; without CAP_CHOWN all belong to who builds, who is root in what RUN sees. */
export function defaultOwner(): Owner | undefined {
  return hasCapability(CAP_CHOWN) ? { uid: 0, gid: 0 } : undefined;
}

/** Of a tar, whose owners may be anybody. */
export function keptOwners(): Owners {
  return hasCapability(CAP_CHOWN) ? 'keep' : undefined;
}

export interface Arrival {
  /** Of the tree that is written. */
  readonly rootFd: number;
  /** Absolute; a slash at the end: a directory, made where it is missing. */
  readonly target: string;
  /** Of directories made on the way; undefined: root's. */
  readonly owner: Owner | undefined;
}

export interface FileSource {
  readonly tree: Tree;
  readonly path: string;
  readonly owners: Owners;
  readonly rules: CopyRules;
}

/** A directory's content, or a file, comes to the target. @throws UserError, FsError */
export function placeSource(source: FileSource, arrival: Arrival): void {
  using found = findSource(source.tree, source.path === '' ? '.' : source.path, true);
  using copy = new ObjectCopy(source.owners, source.rules);
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
      copy.object(found.directoryFd, found.name, parent, name);
    }
  } finally {
    close(parent);
  }
}

export interface NewFile {
  readonly name: string;
  readonly mode: number;
  /** In place of the mode. */
  readonly permissions?: FileMode | undefined;
}

/** A file of the given content. */
export function placeContent(
  content: Buffer,
  { name, mode, permissions }: NewFile,
  { rootFd, target, owner }: Arrival,
): void {
  const isInto = target.endsWith('/') || isDirectoryIn(rootFd, target);
  const { parent, name: made } = isInto
    ? { parent: makePath(rootFd, target, owner), name: nameFromText(name) }
    : makeParent(rootFd, target, owner);
  using copy = new ObjectCopy(owner ?? defaultOwner(), { mode: permissions });
  try {
    const fd = copy.makeFile(parent, made);
    try {
      for (let done = 0; done < content.byteLength; ) done += writeSync(fd, content, done);
    } finally {
      close(fd);
    }
    copy.finish(parent, made, {
      type: S_IFREG,
      mode,
      uid: 0,
      gid: 0,
      mtimeSec: Math.floor(Date.now() / 1000),
      mtimeNsec: 0,
    });
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
  let at = path;
  for (let links = 0; ; links += 1) {
    const parent = makePath(rootFd, posix.dirname(at), owner);
    const name = nameFromText(posix.basename(at));
    const link = links < MAX_SYMLINKS ? readlinkat(parent, name) : 0;
    if (typeof link === 'number') return { parent, name };
    close(parent);
    at = posix.join(link.startsWith('/') ? '/' : posix.dirname(at), textFromName(link));
  }
}

const MAX_SYMLINKS = 40;

/** The directory, with those above it, made where they are missing. @returns a descriptor. */
export function makePath(rootFd: number, path: string, owner: Owner | undefined): number {
  const tree = containerTree(rootFd, 'build');
  let here = '/';
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  for (let links = 0; names.length > 0; ) {
    const name = names.shift()!;
    const above = here;
    here = posix.join(above, name);
    const fd = tree.open(nameFromText(here), O_PATH | O_DIRECTORY);
    if (fd >= 0) {
      close(fd);
      continue;
    }
    const link = fd === -ENOENT && links < MAX_SYMLINKS ? linkAt(tree, above, name) : undefined;
    if (link !== undefined) {
      // It leads to what is not there yet, and shall be.
      links += 1;
      here = link.startsWith('/') ? '/' : above;
      names.unshift(...link.split('/').filter((part) => part !== '' && part !== '.'));
    } else if (fd === -ENOENT) makeDirectory(tree, above, name, owner);
    else throw new UserError(`cannot copy to '${path}': ${fsError(-fd, 'open', here).message}`);
  }
  return check(tree.open(nameFromText(here), O_RDONLY | O_DIRECTORY), 'open', path);
}

function linkAt(tree: Tree, above: string, name: string): string | undefined {
  const parent = check(tree.open(nameFromText(above), O_PATH | O_DIRECTORY), 'open', above);
  const link = readlinkat(parent, nameFromText(name));
  close(parent);
  return typeof link === 'number' ? undefined : textFromName(link);
}

function makeDirectory(tree: Tree, above: string, name: string, owner: Owner | undefined): void {
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
