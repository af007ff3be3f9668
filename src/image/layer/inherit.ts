/**
 * Directories that a layer's tar does not describe, because it only has something inside them: they show what the
 * layers below have there, as they would if the layers were unpacked over each other. One that holds whiteouts alone,
 * of a directory that is not there, is not there either.
 */

import { ELOOP, ENOENT, ENOTDIR } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { renameat2 } from '../../linux/files/directory.js';
import { Times, utimensat } from '../../linux/files/inode.js';
import { close, dup, openat } from '../../linux/files/open.js';
import { fstatx, Statx } from '../../linux/files/statx.js';
import { fgetxattr } from '../../linux/files/xattr.js';
import { CAP_CHOWN, hasCapability } from '../../linux/process/process.js';
import { PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import { xattrNamespaceHere } from '../../union/form/xattr-namespace.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import type { ImplicitDirectory } from './apply.js';
import { AttributeWriter } from './entry-attributes.js';

const OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

interface SettledTree {
  readonly tree: string;
  /** A directory beside the tree, for what is taken out of it. */
  readonly trash: string;
  /** Parents before children. */
  readonly implicit: readonly ImplicitDirectory[];
}

/** `tree` and `lowers` (bottom first) are directories of layers, complete but for this. */
export function inheritAttributes({ tree, trash, implicit }: SettledTree, lowers: readonly string[]): void {
  const wanted = implicit.filter(({ isCut, isHollow }) => isHollow || !isCut);
  if (wanted.length === 0) return;
  const opened = [tree, trash, ...lowers.toReversed()].map(openRoot);
  try {
    const [own, trashFd, ...below] = opened as [number, number, ...number[]];
    const writer = new AttributeWriter({ keepsOwners: hasCapability(CAP_CHOWN) }, xattrs);
    const stack = { own, below, writer, trash: { fd: trashFd, count: 0 } };
    let gone: Name | undefined;
    for (const directory of wanted) {
      if (gone !== undefined && directory.path.startsWith(`${gone}/`)) continue;
      if (!inherit(stack, directory)) gone = directory.path;
    }
  } finally {
    for (const fd of opened) close(fd);
  }
}

interface Stack {
  readonly own: number;
  /** Topmost first. */
  readonly below: readonly number[];
  readonly writer: AttributeWriter;
  /** How many there are in it. */
  readonly trash: { readonly fd: number; count: number };
}

/** @returns false when the directory was taken out: it is hollow, and nothing below shows a directory there. */
function inherit(stack: Stack, { path, isCut, isHollow }: ImplicitDirectory): boolean {
  const { own, below, writer } = stack;
  const sourceFd = isCut ? undefined : findBelow(below, path);
  if (sourceFd === undefined) {
    if (isHollow) takeOut(stack, path);
    return !isHollow;
  }
  const stat = new Statx();
  const target = openPath(own, path);
  try {
    check(fstatx(sourceFd, STATX_BASIC_STATS, stat), 'statx', path);
    writer.copyDirectory(sourceFd, target.fd, {
      name: path,
      type: 'directory',
      mode: stat.mode & 0o7777,
      uid: stat.uid,
      gid: stat.gid,
      sizeBytes: 0,
      mtimeSec: stat.mtimeSec,
      mtimeNsec: stat.mtimeNsec,
      linkName: '',
      major: 0,
      minor: 0,
      xattrs: undefined,
      extents: undefined,
    });
  } finally {
    close(sourceFd);
    if (target.fd >= 0) close(target.fd);
  }
  return true;
}

/** The directory above keeps its time. */
function takeOut({ own, trash }: Stack, path: Name): void {
  const slash = path.lastIndexOf('/');
  const { fd } = openPath(own, path.slice(0, Math.max(slash, 0)));
  check(fd, 'open', path);
  try {
    const before = new Statx();
    check(fstatx(fd, STATX_BASIC_STATS, before), 'statx', path);
    const name = `hollow${trash.count++}`;
    check(renameat2(fd, path.slice(slash + 1), trash.fd, name, 0), 'rename', path);
    const times = new Times();
    times.atimeSec = before.mtimeSec;
    times.atimeNsec = before.mtimeNsec;
    times.mtimeSec = before.mtimeSec;
    times.mtimeNsec = before.mtimeNsec;
    check(utimensat(fd, '', times, AT_EMPTY_PATH), 'utimensat', path);
  } finally {
    close(fd);
  }
}

/** The directory that the layers below show at a path. @returns a descriptor for the caller to close. */
function findBelow(below: readonly number[], path: Name): number | undefined {
  for (const root of below) {
    const { fd, isLast } = openPath(root, path);
    if (fd >= 0) return fd;
    if (isLast) return undefined;
  }
  return undefined;
}

/** `fd` is negative when it is not there; `isLast`: what is there instead, or an opaque mark, hides the layers below. */
function openPath(root: number, path: Name): { readonly fd: number; readonly isLast: boolean } {
  let fd = check(dup(root), 'dup');
  let isLast = false;
  for (const name of path === '' ? [] : path.split('/')) {
    const next = openat(fd, name, OPEN_FLAGS);
    close(fd);
    if (next === -ENOENT) return { fd: -1, isLast };
    if (next === -ENOTDIR || next === -ELOOP) return { fd: -1, isLast: true };
    fd = check(next, 'open', path);
    isLast ||= isOpaque(fd);
  }
  return { fd, isLast };
}

const xattrs = new PrivateXattrs(xattrNamespaceHere());
const flag = Buffer.alloc(1);

function isOpaque(fd: number): boolean {
  return fgetxattr(fd, xattrs.opaque, flag) === 1 && flag[0] === 0x79;
}

function openRoot(path: string): number {
  return check(openat(AT_FDCWD, nameFromText(path), O_RDONLY | O_DIRECTORY), 'open', path);
}
