/** Calls that make, remove and move names, and list them. Linux: fs/namei.c, fs/fuse/dir.c, fs/fuse/readdir.c v6.18. */

import {
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
} from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import {
  O_PATH,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
  S_ISUID,
  S_IXGRP,
} from '../../../src/linux/constants.js';
import { Entry } from '../../../src/vfs/attr.js';
import { Creation, type FileSystem, NewEntry } from '../../../src/vfs/file-system.js';
import type { Name } from '../../../src/vfs/name.js';
import type { Inode } from './inode-cache.js';
import type { Process } from './kernel-process.js';
import { type Found, isSymlink, type PathFrom, resolve, retried, walk } from './path-walk.js';
import {
  assertMay,
  assertMayCreate,
  assertMayDelete,
  MAY_READ,
  MAY_WRITE,
  may,
  newMode,
} from './permission.js';

const NO_FOLLOW = { follow: false };

/** The directory and the free name of what is to be made. */
function freeName(process: Process, at: PathFrom, fresh: boolean, asDirectory = false): Found {
  const found = walk(process, at, NO_FOLLOW, fresh);
  if (found.inode !== undefined) throw fsError(EEXIST, 'create', at.path);
  if (found.wantsDirectory && !asDirectory) throw fsError(ENOENT, 'create', at.path);
  assertMayCreate(process.kernel, process.who, found.parent);
  return found;
}

function make(
  process: Process,
  { parent, name }: Found,
  mode: number,
  run: (fs: FileSystem, creation: Creation, target: NewEntry) => void,
): Inode {
  const { kernel, who } = process;
  const target = new NewEntry(new Entry(), kernel.session.caller);
  const creation = new Creation();
  kernel.request(who, (fs) => {
    creation.mode = mode;
    creation.umask = process.umask;
    run(fs, creation, target);
  });
  parent.invalidate();
  return kernel.cache.enter(parent, name, target.entry);
}

export function mkdir(process: Process, at: PathFrom, mode: number): void {
  retried((fresh) => {
    const found = freeName(process, at, fresh, true);
    make(process, found, S_IFDIR | (mode & 0o1777), (fs, creation, target) =>
      fs.mkdir(found.parent.node, found.name, creation, target),
    );
  });
}

export function mknod(process: Process, at: PathFrom, mode: number, major: number, minor: number): void {
  const type = (mode & S_IFMT) === 0 ? S_IFREG : mode & S_IFMT;
  if (type === S_IFDIR) throw fsError(EPERM, 'mknod');
  retried((fresh) => {
    const found = freeName(process, at, fresh);
    const isWhiteout = type === S_IFCHR && major === 0 && minor === 0;
    if ((type === S_IFCHR || type === S_IFBLK) && !isWhiteout && process.who.uid !== 0)
      throw fsError(EPERM, 'mknod');
    const bits = newMode(process.kernel, process.who, found.parent, mode & 0o7777);
    make(process, found, type | bits, (fs, creation, target) => {
      creation.rdevMajor = major;
      creation.rdevMinor = minor;
      fs.mknod(found.parent.node, found.name, creation, target);
    });
  });
}

export function symlink(process: Process, content: Name, at: PathFrom): void {
  if (content === '') throw fsError(ENOENT, 'symlink');
  retried((fresh) => {
    const found = freeName(process, at, fresh);
    make(process, found, S_IFLNK | 0o777, (fs, _, target) =>
      fs.symlink(found.parent.node, found.name, content, target),
    );
  });
}

export function readlink(process: Process, at: PathFrom): string {
  return retried((fresh) => {
    const inode = resolve(process, at, NO_FOLLOW, fresh);
    if (!isSymlink(inode)) throw fsError(EINVAL, 'readlink');
    const content = process.kernel.request(process.who, (fs) => fs.readlink(inode.node));
    inode.invalidate();
    return content;
  });
}

export function link(process: Process, at: PathFrom, target: PathFrom): void {
  retried((fresh) => linkInode(process, resolve(process, at, NO_FOLLOW, fresh), target, fresh));
}

export function linkDescriptor(process: Process, fd: number, target: PathFrom): void {
  const { inode, isLinkable } = process.description(fd);
  if (process.kernel.cache.attributes(process.who, inode).nlink === 0 && !isLinkable)
    throw fsError(ENOENT, 'link');
  retried((fresh) => linkInode(process, inode, target, fresh));
}

/** fs.protected_hardlinks: no link of a file that the caller neither owns nor may read and write. Linux: fs/namei.c:may_linkat(). */
function assertMayLink({ kernel, who }: Process, inode: Inode): void {
  const { uid, mode } = kernel.cache.attributes(who, inode);
  if (who.uid === 0 || who.uid === uid) return;
  const isRegular = (mode & S_IFMT) === S_IFREG;
  const isMarked = (mode & S_ISUID) !== 0 || (mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP);
  if (!isRegular || isMarked || !may(kernel, who, inode, MAY_READ | MAY_WRITE)) throw fsError(EPERM, 'link');
}

function linkInode(process: Process, inode: Inode, to: PathFrom, fresh: boolean): void {
  const { kernel, who } = process;
  const found = walk(process, to, NO_FOLLOW, fresh);
  if (found.inode !== undefined) throw fsError(EEXIST, 'link', to.path);
  if (found.wantsDirectory) throw fsError(ENOENT, 'link', to.path);
  assertMayLink(process, inode);
  assertMayCreate(kernel, who, found.parent);
  if (inode.isDirectory) throw fsError(EPERM, 'link');
  const entry = new Entry();
  kernel.request(who, (fs) => fs.link(inode.node, found.parent.node, found.name, entry));
  found.parent.invalidate();
  kernel.cache.enter(found.parent, found.name, entry);
}

export function unlink(process: Process, at: PathFrom): void {
  remove(process, at, false);
}

export function rmdir(process: Process, at: PathFrom): void {
  remove(process, at, true);
}

function remove(process: Process, at: PathFrom, asDirectory: boolean): void {
  const { kernel, who } = process;
  retried((fresh) => {
    const { parent, name, inode, wantsDirectory } = walk(process, at, NO_FOLLOW, fresh);
    if (name === '' && asDirectory) throw fsError(EBUSY, 'remove');
    if (name === '' || name === '.') throw fsError(asDirectory ? EINVAL : EISDIR, 'remove');
    if (name === '..') throw fsError(asDirectory ? ENOTEMPTY : EISDIR, 'remove');
    if (inode !== undefined && wantsDirectory && !asDirectory)
      throw fsError(inode.isDirectory ? EISDIR : ENOTDIR, 'remove');
    const victim = assertMayDelete(kernel, who, { directory: parent, victim: inode }, asDirectory);
    kernel.request(who, (fs) => (asDirectory ? fs.rmdir(parent.node, name) : fs.unlink(parent.node, name)));
    parent.invalidate();
    victim.invalidate();
    victim.isDead = asDirectory;
    kernel.cache.drop(parent, name);
  });
}

export function rename(process: Process, from: PathFrom, to: PathFrom, flags: number): void {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) !== 0)
    throw fsError(EINVAL, 'rename');
  if ((flags & RENAME_EXCHANGE) !== 0 && flags !== RENAME_EXCHANGE) throw fsError(EINVAL, 'rename');
  retried((fresh) => {
    const source = walk(process, from, NO_FOLLOW, fresh);
    const target = walk(process, to, NO_FOLLOW, fresh);
    for (const { name } of [source, target])
      if (name === '' || name === '.' || name === '..') throw fsError(EBUSY, 'rename');
    if (source.inode === undefined) throw fsError(ENOENT, 'rename');
    if ((flags & RENAME_NOREPLACE) !== 0 && target.inode !== undefined) throw fsError(EEXIST, 'rename');
    if ((flags & RENAME_EXCHANGE) !== 0 && target.inode === undefined) throw fsError(ENOENT, 'rename');
    assertApart(source, target, flags);
    if (source.inode === target.inode) return;
    assertMayMove(process, source, target, flags);
    doRename(process, source, target, flags);
  });
}

function assertApart(source: Found, target: Found, flags: number): void {
  const exchanges = (flags & RENAME_EXCHANGE) !== 0;
  if (source.inode?.isDirectory !== true) {
    const slashed = source.wantsDirectory || (!exchanges && target.wantsDirectory);
    if (slashed) throw fsError(ENOTDIR, 'rename');
  }
  if (isAbove(source.inode, target.parent)) throw fsError(EINVAL, 'rename');
  if (isAbove(target.inode, source.parent)) throw fsError(exchanges ? EINVAL : ENOTEMPTY, 'rename');
}

function isAbove(inode: Inode | undefined, below: Inode): boolean {
  if (inode === undefined) return false;
  for (let at: Inode | undefined = below; at !== undefined; at = at.dentry?.parent)
    if (at === inode) return true;
  return false;
}

function assertMayMove({ kernel, who }: Process, source: Found, target: Found, flags: number): void {
  const victim = assertMayDelete(kernel, who, { directory: source.parent, victim: source.inode }, undefined);
  if (target.inode === undefined) assertMayCreate(kernel, who, target.parent);
  else {
    const type = (flags & RENAME_EXCHANGE) !== 0 ? undefined : victim.isDirectory;
    assertMayDelete(kernel, who, { directory: target.parent, victim: target.inode }, type);
  }
  if (source.parent === target.parent) return;
  // '..' of a directory that goes elsewhere is a change of that directory.
  if (victim.isDirectory) assertMay(kernel, who, victim, MAY_WRITE);
  if ((flags & RENAME_EXCHANGE) !== 0 && target.inode?.isDirectory === true)
    assertMay(kernel, who, target.inode, MAY_WRITE);
}

function doRename({ kernel, who }: Process, source: Found, target: Found, flags: number): void {
  const { parent, name } = target;
  kernel.request(who, (fs) =>
    fs.rename(source.parent.node, source.name, { parent: parent.node, name, flags }),
  );
  for (const inode of [source.parent, parent, source.inode, target.inode]) inode?.invalidate();
  if ((flags & RENAME_EXCHANGE) !== 0) kernel.cache.exchange(source, target);
  else {
    if (target.inode?.isDirectory === true) target.inode.isDead = true;
    kernel.cache.move(source, target);
  }
}

export function assertListable(process: Process, fd: number): Inode {
  const { inode, flags } = process.description(fd);
  if ((flags & O_PATH) !== 0) throw fsError(EINVAL, 'getdents');
  if (!inode.isDirectory) throw fsError(ENOTDIR, 'getdents');
  if (inode.isDead) throw fsError(ENOENT, 'getdents');
  return inode;
}
