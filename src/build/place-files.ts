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
import { mkdirat } from '../linux/directory.js';
import { fchownat } from '../linux/inode.js';
import { close, openat } from '../linux/open.js';
import { CAP_CHOWN, hasCapability } from '../linux/process.js';
import { nameFromText } from '../vfs/name.js';

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
  const intoDirectory = found.isDirectory || target.endsWith('/') || isDirectory(rootFd, target);
  const parent = makePath(rootFd, intoDirectory ? target : posix.dirname(target), owner);
  try {
    if (found.isDirectory) {
      const from = check(openat(found.directoryFd, '.', O_RDONLY | O_DIRECTORY), 'open', source.path);
      try {
        copy.content(from, parent);
      } finally {
        close(from);
      }
    } else {
      const name = intoDirectory ? found.shownName : nameFromText(posix.basename(target));
      copy.object(found.directoryFd, found.name, parent, name);
    }
  } finally {
    close(parent);
  }
}

export interface NewFile {
  readonly name: string;
  readonly mode: number;
  /** Now by default. */
  readonly mtimeSec?: number | undefined;
}

/** A file of the given content. */
export function placeContent(
  content: Buffer,
  { name, mode, mtimeSec = Math.floor(Date.now() / 1000) }: NewFile,
  { rootFd, target, owner }: Arrival,
): void {
  const intoDirectory = target.endsWith('/') || isDirectory(rootFd, target);
  const parent = makePath(rootFd, intoDirectory ? target : posix.dirname(target), owner);
  using copy = new ObjectCopy(owner ?? defaultOwner());
  try {
    const made = nameFromText(intoDirectory ? name : posix.basename(target));
    const fd = copy.makeFile(parent, made);
    try {
      for (let done = 0; done < content.byteLength; ) done += writeSync(fd, content, done);
    } finally {
      close(fd);
    }
    copy.finish(parent, made, { type: S_IFREG, mode, uid: 0, gid: 0, mtimeSec, mtimeNsec: 0 });
  } finally {
    close(parent);
  }
}

/** The directory, with those above it, made where they are missing. @returns a descriptor. */
export function makePath(rootFd: number, path: string, owner: Owner | undefined): number {
  const tree = containerTree(rootFd, 'build');
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  for (const [index, name] of names.entries()) {
    const above = `/${names.slice(0, index).join('/')}`;
    const here = `/${names.slice(0, index + 1).join('/')}`;
    const fd = tree.open(nameFromText(here), O_PATH | O_DIRECTORY);
    if (fd >= 0) close(fd);
    else if (fd === -ENOENT) makeDirectory(tree, above, name, owner);
    else throw new UserError(`cannot copy to '${path}': ${fsError(-fd, 'open', here).message}`);
  }
  return check(tree.open(nameFromText(`/${names.join('/')}`), O_RDONLY | O_DIRECTORY), 'open', path);
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

function isDirectory(rootFd: number, path: string): boolean {
  const fd = containerTree(rootFd, 'build').open(nameFromText(path), O_PATH | O_DIRECTORY);
  if (fd >= 0) close(fd);
  return fd >= 0;
}
