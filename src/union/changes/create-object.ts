/**
 * New objects: mknod, mkdir, symlink, link, create, tmpfile.
 *
 * The kernel looked the name up before, so it shows nothing in the union; upper may hold a whiteout there. Without one
 * the object is made in place; over one it is built in the work directory and renamed over the whiteout, a directory
 * opaque and exchanged with it. Linux: fs/overlayfs/dir.c:ovl_create_over_whiteout() v6.18.
 */

import { EEXIST, EISDIR, ENODATA, EOPNOTSUPP, EPERM } from '../../errno/errno.js';
import { check, FsError, fsError } from '../../errno/fs-error.js';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
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
} from '../../linux/constants.js';
import { linkat, mkdirat, mknodat, renameat2, symlinkat, unlinkat } from '../../linux/files/directory.js';
import { close, dup, openat } from '../../linux/files/open.js';
import { Statx } from '../../linux/files/statx.js';
import { getxattrAt, setxattrAt } from '../../linux/files/xattr.js';
import { chmodAt, chownAt, descriptorPath, Place } from '../../realfs/real-object.js';
import type { Creation } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { copyUpToMove, ensureUpper } from '../copy-up/copy-up.js';
import { inheritAcl } from '../copy-up/posix-acl.js';
import { assertNameable } from '../form/fuse-overlayfs-form.js';
import { isImpureNode, setImpure } from '../nodes/impure.js';
import { attachNode, lowerHas, moveNode } from '../nodes/lookup.js';
import { directoriesOf, type UnionNode } from '../nodes/node.js';
import { setRedirect } from '../nodes/redirects.js';
import type { UnionState } from '../nodes/union-state.js';
import { type Layer, RealDirectory } from '../stack/layer.js';
import { statDescriptor, statPlace } from '../stack/layer-stack.js';
import { whiteoutIn } from '../stack/probe-name.js';
import { replaceDotWhiteout } from '../stack/put-whiteout.js';
import { replaceByWhiteout } from './remove-name.js';

/** Makes the object under a name in a real directory. @returns what the syscall returned. */
type Make = (dirfd: number, name: Name) => number;

/** Where something new is made, and what it then is: a record that the caller owns. */
export class NewObject {
  parent: UnionNode | undefined;
  name: Name = '';
  readonly stat = new Statx();
}

/** A node and its descriptor, open for reading and writing, which the caller owns. */
interface CreatedFile {
  readonly node: UnionNode;
  readonly fd: number;
}

/** Makes any type but a directory or a symlink. @throws EPERM for what would be a whiteout, as overlayfs. */
export function mknod(state: UnionState, target: NewObject, creation: Creation): UnionNode {
  const { mode, rdevMajor, rdevMinor } = creation;
  if ((mode & S_IFMT) === S_IFCHR && rdevMajor === 0 && rdevMinor === 0)
    throw fsError(EPERM, 'mknod', target.name);
  makeInUpper(state, target, mode, (dirfd, at) => mknodat(dirfd, at, mode, rdevMajor, rdevMinor));
  return newNode(state, target);
}

export function mkdir(state: UnionState, target: NewObject, creation: Creation): UnionNode {
  const mode = creation.mode & 0o7777;
  makeInUpper(state, target, S_IFDIR | mode, (dirfd, at) => mkdirat(dirfd, at, mode));
  const node = newNode(state, target);
  const upper = directoriesOf(target.parent!)[0]!;
  node.dirs = [new RealDirectory(upper.layer, upper, target.name)];
  node.impure = false;
  return node;
}

export function symlink(state: UnionState, target: NewObject, content: Name): UnionNode {
  makeInUpper(state, target, S_IFLNK | 0o777, (dirfd, at) => symlinkat(content, dirfd, at));
  return newNode(state, target);
}

export function create(state: UnionState, target: NewObject, creation: Creation): CreatedFile {
  const flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR;
  const fd = makeInUpper(state, target, creation.mode, (dirfd, at) =>
    openat(dirfd, at, flags, creation.mode & 0o7777),
  );
  try {
    return { node: newNode(state, target), fd };
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Makes a file without a name: that of the target is not looked at. */
export function tmpfile(state: UnionState, target: NewObject, creation: Creation): CreatedFile {
  const parent = target.parent!;
  const upper = ensureUpper(state, parent);
  state.assertRoom('tmpfile');
  const fd = check(
    openat(
      state.stack.descriptor(upper),
      '.',
      O_TMPFILE | O_RDWR | (creation.flags & O_EXCL),
      creation.mode & 0o7777,
    ),
    'tmpfile',
  );
  const kept = dup(fd);
  try {
    check(kept, 'dup');
    return { node: nodeOfTmpfile(state, target, { layer: upper.layer, kept }), fd };
  } catch (error) {
    close(fd);
    if (kept >= 0) close(kept);
    throw error;
  }
}

function nodeOfTmpfile(
  state: UnionState,
  { parent, stat }: NewObject,
  { layer, kept }: { readonly layer: Layer; readonly kept: number },
): UnionNode {
  check(statDescriptor(kept, stat), 'tmpfile');
  const ino = layer.inodeNumber(stat.ino);
  const node = attachNode(state, parent!, '', { layer, ino, stat, byName: false });
  node.protection = 0;
  node.lacksCapability = true;
  node.orphanFd = state.hold(kept);
  state.nodes.keeper?.keepOrphan(node, kept);
  return node;
}

/** One more name for a file. @returns the node, now reached by the new name. */
export function link(state: UnionState, node: UnionNode, parent: UnionNode, name: Name): void {
  assertNameable(state.stack.xattrs, name);
  copyUpToMove(state, node, { sameParent: false });
  if (node.data !== undefined) setRedirect(state, node, { sameParent: false });
  const upper = ensureUpper(state, parent);
  // Lookup asks for an origin in impure directories only.
  if (node.indexName !== undefined || (node.parent !== undefined && isImpureNode(state, node.parent)))
    setImpure(state, parent);
  replaceDotWhiteout(state.stack, upper, name);
  parent.contents?.mayGrow();
  const from = new Place();
  state.objects.locate(node, from);
  const make: Make =
    from.name === ''
      ? (dirfd, at) => linkat(AT_FDCWD, descriptorPath(from.dirfd), dirfd, at, AT_SYMLINK_FOLLOW)
      : (dirfd, at) => linkat(from.dirfd, from.name, dirfd, at, 0);
  const upperFd = state.stack.descriptor(upper);
  let result = make(upperFd, name);
  if (result === -EEXIST && whiteoutIn(state.stack, upper, name)) {
    const work = state.stack.work!;
    const temporary = work.temporaryName();
    check(make(work.fd, temporary), 'link', name);
    result = renameat2(work.fd, temporary, upperFd, name, 0);
    if (result < 0) work.remove(temporary);
  }
  check(result, 'link', name);
  if (node.orphanFd >= 0) moveNode(state, node, parent, name);
}

/** Makes the object in upper. @returns what `make` returned, a descriptor perhaps. */
function makeInUpper(state: UnionState, target: NewObject, mode: number, make: Make): number {
  const { name } = target;
  const parent = target.parent!;
  assertNameable(state.stack.xattrs, name);
  const upper = ensureUpper(state, parent);
  replaceDotWhiteout(state.stack, upper, name);
  parent.contents?.mayGrow();
  const made = make(state.stack.descriptor(upper), name);
  if (made !== -EEXIST) return check(made, 'create', name);
  if (!whiteoutIn(state.stack, upper, name)) throw fsError(EEXIST, 'create', name);
  return makeOverWhiteout(state, { upper, name, mode }, make);
}

function makeOverWhiteout(
  state: UnionState,
  { upper, name, mode }: { readonly upper: RealDirectory; readonly name: Name; readonly mode: number },
  make: Make,
): number {
  const work = state.stack.work!;
  const temporary = work.temporaryName();
  const made = check(make(work.fd, temporary), 'create', name);
  let done = false;
  try {
    inherit(state, upper, temporary, mode);
    const isDirectory = (mode & S_IFMT) === S_IFDIR;
    if (isDirectory) setOpaque(state, work.fd, temporary);
    const flags = isDirectory ? RENAME_EXCHANGE : 0;
    check(renameat2(work.fd, temporary, state.stack.descriptor(upper), name, flags), 'create', name);
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
const found = new Statx();

/** Group and ACL that the object would have got in the directory itself. */
function inherit(state: UnionState, upper: RealDirectory, temporary: Name, mode: number): void {
  const work = state.stack.work!;
  const isDirectory = (mode & S_IFMT) === S_IFDIR;
  check(statDescriptor(state.stack.descriptor(upper), found), 'create');
  const { mode: parentMode, gid } = found;
  let permissions = mode & 0o7777;
  let changed = false;
  if ((parentMode & S_ISGID) !== 0) {
    check(chownAt(work.fd, temporary, -1, gid), 'chown');
    if (isDirectory) permissions |= S_ISGID;
    changed = true;
  }
  if ((mode & S_IFMT) === S_IFLNK) return;
  const length = getxattrAt(state.stack.descriptor(upper), '', 'system.posix_acl_default', acl);
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
      check(statPlace({ dirfd: work.fd, name: temporary }, found), 'create');
      chmodAt(work.fd, temporary, (found.mode & 0o777) | (permissions & 0o7000));
    }
  }
}

const YES = Buffer.from('y');

/** Marks a directory as hiding all that lies below it. */
export function setOpaque(state: UnionState, dirfd: number, name: Name): void {
  check(setxattrAt(dirfd, name, state.stack.xattrs.opaque, YES, 0), 'setxattr', state.stack.xattrs.opaque);
}

/** The node of what was just made in upper. Where it gets none, the object goes again. */
function newNode(state: UnionState, target: NewObject): UnionNode {
  try {
    return nodeOf(state, target);
  } catch (error) {
    if (error instanceof FsError) takeBack(state, target.parent!, target.name);
    throw error;
  }
}

/** Nobody has seen it yet. What the disk does not let go stays. */
function takeBack(state: UnionState, parent: UnionNode, name: Name): void {
  const upper = directoriesOf(parent)[0]!;
  parent.contents?.removed(name);
  try {
    if (lowerHas(state, parent, name))
      state.stack.work!.remove(replaceByWhiteout(state, upper, name, RENAME_EXCHANGE));
    else if (unlinkat(state.stack.descriptor(upper), name, 0) === -EISDIR)
      unlinkat(state.stack.descriptor(upper), name, AT_REMOVEDIR);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
  }
}

function nodeOf(state: UnionState, { parent: at, name, stat }: NewObject): UnionNode {
  const parent = at!;
  const upper = directoriesOf(parent)[0]!;
  const { layer } = upper;
  if (!state.stack.statName(upper, name, stat)) throw fsError(EEXIST, 'create', name);
  const { ino } = stat;
  const stale = state.nodes.ofObject(layer, ino);
  if (stale !== undefined) {
    state.nodes.unindex(stale);
    state.nodes.keeper?.note(stale);
  }
  parent.contents?.changed(name, { type: stat.mode >>> 12, ino, source: 0 });
  const node = attachNode(state, parent, name, { layer, ino: layer.inodeNumber(ino), stat, byName: false });
  node.protection = 0;
  node.lacksCapability = true;
  return node;
}
