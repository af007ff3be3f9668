/**
 * New objects: mknod, mkdir, symlink, link, create, tmpfile.
 *
 * The kernel looked the name up before, so it shows nothing in the union; upper may hold a whiteout there. Without one
 * the object is made in place; over one it is built in the work directory and renamed over the whiteout, a directory
 * opaque and exchanged with it. Linux: fs/overlayfs/dir.c:ovl_create_over_whiteout() v6.18.
 */

import { EEXIST, ENODATA, EOPNOTSUPP, EPERM } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { chmodAt, chownAt, descriptorPath } from '../files/real-object.js';
import {
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_RDWR,
  O_TMPFILE,
  RENAME_EXCHANGE,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_ISGID,
} from '../linux/constants.js';
import { linkat, mkdirat, mknodat, renameat2, symlinkat } from '../linux/directory.js';
import { close, dup, openat } from '../linux/open.js';
import { getxattrAt, setxattrAt } from '../linux/xattr.js';
import type { Creation } from '../vfs/file-system.js';
import type { Name } from '../vfs/name.js';
import { copyUpToMove, ensureUpper } from './copy-up.js';
import { assertNameable } from './fuse-overlayfs-form.js';
import { RealDirectory } from './layer.js';
import { attachNode, moveNode } from './lookup.js';
import type { UnionNode } from './node.js';
import { isImpureNode, setImpure } from './origin.js';
import { inheritAcl } from './posix-acl.js';
import { setRedirect } from './redirect.js';
import type { UnionState } from './union-state.js';
import { replaceDotWhiteout, whiteoutIn } from './whiteout.js';

/** Makes the object under a name in a real directory. @returns what the syscall returned. */
type Make = (dirfd: number, name: Name) => number;

/** Of mknod: any type but a directory or a symlink. @throws EPERM for what would be a whiteout, as overlayfs. */
export function mknod(state: UnionState, parent: UnionNode, name: Name, creation: Creation): UnionNode {
  const { mode, rdevMajor, rdevMinor } = creation;
  if ((mode & S_IFMT) === S_IFCHR && rdevMajor === 0 && rdevMinor === 0) throw fsError(EPERM, 'mknod', name);
  place(state, parent, name, mode, (dirfd, at) => mknodat(dirfd, at, mode, rdevMajor, rdevMinor));
  return newNode(state, parent, name);
}

export function mkdir(state: UnionState, parent: UnionNode, name: Name, creation: Creation): UnionNode {
  const mode = creation.mode & 0o7777;
  place(state, parent, name, S_IFDIR | mode, (dirfd, at) => mkdirat(dirfd, at, mode));
  const node = newNode(state, parent, name);
  const upper = state.directories(parent)[0]!;
  node.dirs = [new RealDirectory(upper.layer, upper, name)];
  node.impure = false;
  return node;
}

export function symlink(state: UnionState, parent: UnionNode, name: Name, content: Name): UnionNode {
  place(state, parent, name, S_IFLNK | 0o777, (dirfd, at) => symlinkat(content, dirfd, at));
  return newNode(state, parent, name);
}

/** @returns the node and its descriptor, open for reading and writing, which the caller owns. */
export function create(
  state: UnionState,
  parent: UnionNode,
  name: Name,
  creation: Creation,
): { node: UnionNode; fd: number } {
  const flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR;
  const fd = place(state, parent, name, creation.mode, (dirfd, at) =>
    openat(dirfd, at, flags, creation.mode & 0o7777),
  );
  const node = newNode(state, parent, name);
  node.hasCapability = false;
  return { node, fd };
}

/** A file without a name. @returns as `create`. */
export function tmpfile(
  state: UnionState,
  parent: UnionNode,
  creation: Creation,
): { node: UnionNode; fd: number } {
  const upper = ensureUpper(state, parent);
  state.assertRoom('tmpfile');
  const fd = check(
    openat(
      state.descriptor(upper),
      '.',
      O_TMPFILE | O_RDWR | (creation.flags & O_EXCL),
      creation.mode & 0o7777,
    ),
    'tmpfile',
  );
  check(state.statDescriptor(fd, state.stat), 'tmpfile');
  const { ino } = state.stat;
  const identity = { layer: upper.layer, ino: upper.layer.inodeNumber(ino), realIno: ino };
  const node = attachNode(state, parent, '', identity, false);
  node.protection = 0;
  node.orphanFd = state.hold(check(dup(fd), 'dup'));
  node.hasCapability = false;
  return { node, fd };
}

/** One more name for a file. @returns the node, now reached by the new name. */
export function link(state: UnionState, node: UnionNode, parent: UnionNode, name: Name): void {
  assertNameable(state, name);
  copyUpToMove(state, node, false);
  if (node.data !== undefined) setRedirect(state, node, false);
  const upper = ensureUpper(state, parent);
  // Lookup asks for an origin in impure directories only.
  if (node.indexName !== undefined || (node.parent !== undefined && isImpureNode(state, node.parent)))
    setImpure(state, parent);
  replaceDotWhiteout(state, upper, name);
  const from = state.locate(node);
  const fromName = state.locatedName;
  const make: Make =
    fromName === ''
      ? (dirfd, at) => linkat(AT_FDCWD, descriptorPath(from), dirfd, at, AT_SYMLINK_FOLLOW)
      : (dirfd, at) => linkat(from, fromName, dirfd, at, 0);
  const upperFd = state.descriptor(upper);
  let result = make(upperFd, name);
  if (result === -EEXIST && whiteoutIn(state, upper, name)) {
    const work = state.work!;
    const temporary = work.temporaryName();
    check(make(work.fd, temporary), 'link', name);
    result = renameat2(work.fd, temporary, upperFd, name, 0);
    if (result < 0) work.remove(temporary);
  }
  check(result, 'link', name);
  if (node.orphanFd >= 0) moveNode(state, node, parent, name);
}

/** Makes the object in upper. @returns what `make` returned, a descriptor perhaps. */
function place(state: UnionState, parent: UnionNode, name: Name, mode: number, make: Make): number {
  assertNameable(state, name);
  const upper = ensureUpper(state, parent);
  replaceDotWhiteout(state, upper, name);
  const made = make(state.descriptor(upper), name);
  if (made !== -EEXIST) return check(made, 'create', name);
  if (!whiteoutIn(state, upper, name)) throw fsError(EEXIST, 'create', name);
  return placeOverWhiteout(state, upper, name, mode, make);
}

function placeOverWhiteout(
  state: UnionState,
  upper: RealDirectory,
  name: Name,
  mode: number,
  make: Make,
): number {
  const work = state.work!;
  const temporary = work.temporaryName();
  const made = check(make(work.fd, temporary), 'create', name);
  let done = false;
  try {
    inherit(state, upper, temporary, mode);
    const isDirectory = (mode & S_IFMT) === S_IFDIR;
    if (isDirectory) setOpaque(state, work.fd, temporary);
    const flags = isDirectory ? RENAME_EXCHANGE : 0;
    check(renameat2(work.fd, temporary, state.descriptor(upper), name, flags), 'create', name);
    done = true;
    if (isDirectory) work.remove(temporary);
    return made;
  } finally {
    if (!done) {
      work.remove(temporary);
      if (made > 0) close(made);
    }
  }
}

const acl = Buffer.allocUnsafeSlow(65536);

/** Group and ACL that the object would have got in the directory itself. */
function inherit(state: UnionState, upper: RealDirectory, temporary: Name, mode: number): void {
  const work = state.work!;
  const isDirectory = (mode & S_IFMT) === S_IFDIR;
  check(state.statDescriptor(state.descriptor(upper), state.other), 'create');
  const { mode: parentMode, gid } = state.other;
  let permissions = mode & 0o7777;
  let changed = false;
  if ((parentMode & S_ISGID) !== 0) {
    check(chownAt(work.fd, temporary, -1, gid), 'chown');
    if (isDirectory) permissions |= S_ISGID;
    changed = true;
  }
  if ((mode & S_IFMT) === S_IFLNK) return;
  const length = getxattrAt(state.descriptor(upper), '', 'system.posix_acl_default', acl);
  if (length > 0) {
    const inherited = inheritAcl(acl.subarray(0, length), permissions);
    permissions = (permissions & ~0o777) | inherited.permissions;
    chmodAt(work.fd, temporary, permissions);
    check(setxattrAt(work.fd, temporary, 'system.posix_acl_access', inherited.access, 0), 'setxattr');
    if (isDirectory) {
      check(
        setxattrAt(work.fd, temporary, 'system.posix_acl_default', acl.subarray(0, length), 0),
        'setxattr',
      );
    }
  } else {
    if (length !== -ENODATA && length !== -EOPNOTSUPP && length !== 0) check(length, 'getxattr');
    if (changed) {
      check(state.statWork(temporary, state.other), 'create');
      chmodAt(work.fd, temporary, (state.other.mode & 0o777) | (permissions & 0o7000));
    }
  }
}

const YES = Buffer.from('y');

/** Marks a directory as hiding all that lies below it. */
export function setOpaque(state: UnionState, dirfd: number, name: Name): void {
  check(setxattrAt(dirfd, name, state.xattrs.opaque, YES, 0), 'setxattr', state.xattrs.opaque);
}

/** The node of what was just made in upper; `state.stat` holds what it is. */
function newNode(state: UnionState, parent: UnionNode, name: Name): UnionNode {
  const upper = state.directories(parent)[0]!;
  if (!state.statName(upper, name, state.stat)) throw fsError(EEXIST, 'create', name);
  const { ino } = state.stat;
  const stale = upper.layer.nodes.get(ino);
  if (stale !== undefined) state.unindex(stale);
  parent.listing?.replace(name, { type: state.stat.mode >>> 12, ino, source: 0 });
  const node = attachNode(
    state,
    parent,
    name,
    { layer: upper.layer, ino: upper.layer.inodeNumber(ino), realIno: ino },
    false,
  );
  node.protection = 0;
  return node;
}
