/**
 * Directories that a layer's tar does not describe, because it only has something inside them: they show what the
 * layers below have there, as they would if the layers were unpacked over each other.
 */

import { ELOOP, ENOENT, ENOTDIR } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, STATX_BASIC_STATS } from '../../linux/constants.js';
import { close, dup, openat } from '../../linux/open.js';
import { CAP_CHOWN, hasCapability } from '../../linux/process.js';
import { fstatx, Statx } from '../../linux/statx.js';
import { fgetxattr } from '../../linux/xattr.js';
import { PrivateXattrs } from '../../union/format.js';
import { xattrNamespaceHere } from '../../union/open-view.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import type { ImplicitDirectory } from './apply.js';
import { AttributeWriter } from './attributes.js';

const OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** `tree` and `lowers` (bottom first) are directories of layers, complete but for this. */
export function inheritAttributes(
  tree: string,
  implicit: readonly ImplicitDirectory[],
  lowers: readonly string[],
): void {
  const wanted = implicit.filter(({ isCut }) => !isCut);
  if (wanted.length === 0 || lowers.length === 0) return;
  const opened = [tree, ...lowers.toReversed()].map(openRoot);
  try {
    const [own, ...below] = opened as [number, ...number[]];
    const writer = new AttributeWriter(hasCapability(CAP_CHOWN), xattrs);
    for (const { path } of wanted) inherit({ own, below, writer }, path);
  } finally {
    for (const fd of opened) close(fd);
  }
}

interface Stack {
  readonly own: number;
  /** Topmost first. */
  readonly below: readonly number[];
  readonly writer: AttributeWriter;
}

function inherit({ own, below, writer }: Stack, path: Name): void {
  const sourceFd = findBelow(below, path);
  if (sourceFd === undefined) return;
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
