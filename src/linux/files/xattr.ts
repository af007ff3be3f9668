/**
 * Extended attributes, by name below a directory descriptor and by descriptor.
 *
 * The *At functions never follow a symlink in the last component. They use the *xattrat(2) calls of Linux 6.13, and
 * before that l*xattr(2) on a path through /proc/self/fd. Name '' means what the descriptor names, an O_PATH
 * descriptor too: that one the kernel refuses with EBADF, so it is asked again through its magic link (figures in
 * README.md). A missing attribute is -ENODATA, a result that does not fit -ERANGE; a zero-length `into` asks for the
 * length. The attribute name is the whole one, `user.` and all.
 */

import { EBADF, ENOENT } from '../../errno/errno.js';
import type { Name } from '../../vfs/name.js';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../constants.js';
import {
  addressOf,
  bind,
  SYS_getxattrat,
  SYS_listxattrat,
  SYS_removexattrat,
  SYS_setxattrat,
  settle,
} from '../library.js';
import { emptyName, firstName, putBoth, putFirst, putSecond, secondName } from '../scratch.js';
import * as byPath from './xattr-path.js';

type Access = (
  nr: number,
  dirfd: number,
  name: Buffer,
  flags: number,
  attr: Buffer,
  args: Uint8Array,
  bytes: number,
) => number;
type List = (
  nr: number,
  dirfd: number,
  name: Buffer,
  flags: number,
  into: Uint8Array,
  length: number,
) => number;
type Remove = (nr: number, dirfd: number, name: Buffer, flags: number, attr: Buffer) => number;

const sysAccess = bind<Access>('syscall', 'long', [
  'long',
  'int',
  'void *',
  'int',
  'void *',
  'void *',
  'ulong',
]);
const sysList = bind<List>('syscall', 'long', ['long', 'int', 'void *', 'int', 'void *', 'ulong']);
const sysRemove = bind<Remove>('syscall', 'long', ['long', 'int', 'void *', 'int', 'void *']);
const sysFget = bind<(fd: number, attr: Buffer, into: Uint8Array, length: number) => number>(
  'fgetxattr',
  'long',
  ['int', 'void *', 'void *', 'ulong'],
);
const sysFset = bind<(fd: number, attr: Buffer, value: Uint8Array, length: number, flags: number) => number>(
  'fsetxattr',
  'int',
  ['int', 'void *', 'void *', 'ulong', 'int'],
);
const sysFlist = bind<(fd: number, into: Uint8Array, length: number) => number>('flistxattr', 'long', [
  'int',
  'void *',
  'ulong',
]);
const sysFremove = bind<(fd: number, attr: Buffer) => number>('fremovexattr', 'int', ['int', 'void *']);

/** struct xattr_args: u64 address of the value, u32 its size, u32 flags (include/uapi/linux/xattr.h). */
const XATTR_ARGS_BYTES = 16;
const args = new Uint8Array(XATTR_ARGS_BYTES);
const argsAddress = new BigUint64Array(args.buffer);
const argsWords = new Uint32Array(args.buffer);

/** Whether the kernel has the *xattrat calls; asked once for each thread. Anything but EBADF means no (seccomp too). */
let xattratWorks: boolean | undefined;

/** Asks the kernel, or remembers the answer. */
function hasXattrat(): boolean {
  if (xattratWorks === undefined) {
    putFirst('x');
    const result = settle(sysList(SYS_listxattrat, -1, firstName, 0, emptyName, 0));
    xattratWorks = result === -EBADF;
  }
  return xattratWorks;
}

function flagsFor(name: Name): number {
  return name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
}

/** Fills the name of what an O_PATH descriptor names: its magic link, to be followed. */
function putMagicLink(fd: number): void {
  putFirst(`/proc/self/fd/${fd}`);
}

function access(nr: number, dirfd: number, name: Name, value: Uint8Array, flags: number): number {
  argsAddress[0] = addressOf(value);
  argsWords[2] = value.byteLength;
  argsWords[3] = flags;
  const result = settle(sysAccess(nr, dirfd, firstName, flagsFor(name), secondName, args, XATTR_ARGS_BYTES));
  if (result !== -EBADF || name !== '') return result;
  putMagicLink(dirfd);
  return asBadDescriptor(
    settle(sysAccess(nr, AT_FDCWD, firstName, 0, secondName, args, XATTR_ARGS_BYTES)),
    dirfd,
  );
}

/** A descriptor that is not open has no magic link: that is EBADF, not ENOENT. */
function asBadDescriptor(result: number, dirfd: number): number {
  return dirfd < 0 || result === -ENOENT ? -EBADF : result;
}

/** Sets an attribute; XATTR_CREATE gives -EEXIST, XATTR_REPLACE -ENODATA where it does not apply. */
export function setxattrAt(dirfd: number, name: Name, attr: Name, value: Uint8Array, flags: number): number {
  if (!hasXattrat()) return byPath.setxattr(dirfd, name, attr, value, flags);
  const problem = putBoth(name, attr);
  if (problem < 0) return problem;
  return access(SYS_setxattrat, dirfd, name, value, flags);
}

/** Length of the value, which is in `into` unless that has no length. */
export function getxattrAt(dirfd: number, name: Name, attr: Name, into: Uint8Array): number {
  if (!hasXattrat()) return byPath.getxattr(dirfd, name, attr, into);
  const problem = putBoth(name, attr);
  if (problem < 0) return problem;
  return access(SYS_getxattrat, dirfd, name, into, 0);
}

/** Length of the list of names, each followed by NUL, which is in `into` unless that has no length. */
export function listxattrAt(dirfd: number, name: Name, into: Uint8Array): number {
  if (!hasXattrat()) return byPath.listxattr(dirfd, name, into);
  const problem = putFirst(name);
  if (problem < 0) return problem;
  const result = settle(sysList(SYS_listxattrat, dirfd, firstName, flagsFor(name), into, into.byteLength));
  if (result !== -EBADF || name !== '') return result;
  putMagicLink(dirfd);
  return asBadDescriptor(
    settle(sysList(SYS_listxattrat, AT_FDCWD, firstName, 0, into, into.byteLength)),
    dirfd,
  );
}

/** Removes an attribute; -ENODATA when there is none. */
export function removexattrAt(dirfd: number, name: Name, attr: Name): number {
  if (!hasXattrat()) return byPath.removexattr(dirfd, name, attr);
  const problem = putBoth(name, attr);
  if (problem < 0) return problem;
  const result = settle(sysRemove(SYS_removexattrat, dirfd, firstName, flagsFor(name), secondName));
  if (result !== -EBADF || name !== '') return result;
  putMagicLink(dirfd);
  return asBadDescriptor(settle(sysRemove(SYS_removexattrat, AT_FDCWD, firstName, 0, secondName)), dirfd);
}

/** As `getxattrAt()`, of an open file (not O_PATH). */
export function fgetxattr(fd: number, attr: Name, into: Uint8Array): number {
  const problem = putSecond(attr);
  if (problem < 0) return problem;
  return settle(sysFget(fd, secondName, into, into.byteLength));
}

export function fsetxattr(fd: number, attr: Name, value: Uint8Array, flags: number): number {
  const problem = putSecond(attr);
  if (problem < 0) return problem;
  return settle(sysFset(fd, secondName, value, value.byteLength, flags));
}

export function flistxattr(fd: number, into: Uint8Array): number {
  return settle(sysFlist(fd, into, into.byteLength));
}

export function fremovexattr(fd: number, attr: Name): number {
  const problem = putSecond(attr);
  if (problem < 0) return problem;
  return settle(sysFremove(fd, secondName));
}
