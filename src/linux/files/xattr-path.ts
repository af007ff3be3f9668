/**
 * Extended attributes through /proc/self/fd, for kernels before 6.13: l*xattr(2) on
 * `/proc/self/fd/<dirfd>/<name>`, or the following variant on `/proc/self/fd/<fd>` for name ''.
 *
 * The magic link leads to exactly the inode that the descriptor pins, so a directory renamed meanwhile does no harm.
 * PRECONDITION: /proc is mounted. An absolute name, or AT_FDCWD, is used as it is.
 */

import { EBADF, ENOENT } from '../../errno/errno.js';
import type { Name } from '../../vfs/name.js';
import { AT_FDCWD } from '../constants.js';
import { bind, settle } from '../library.js';
import { firstName, putBoth, putFirst, secondName } from '../scratch.js';

type Get = (path: Buffer, attr: Buffer, into: Uint8Array, length: number) => number;
type Set = (path: Buffer, attr: Buffer, value: Uint8Array, length: number, flags: number) => number;
type List = (path: Buffer, into: Uint8Array, length: number) => number;
type Remove = (path: Buffer, attr: Buffer) => number;

const getArgs = ['void *', 'void *', 'void *', 'ulong'] as const;
const setArgs = ['void *', 'void *', 'void *', 'ulong', 'int'] as const;
const listArgs = ['void *', 'void *', 'ulong'] as const;
const removeArgs = ['void *', 'void *'] as const;

const sysLget = bind<Get>('lgetxattr', 'long', getArgs);
const sysGet = bind<Get>('getxattr', 'long', getArgs);
const sysLset = bind<Set>('lsetxattr', 'int', setArgs);
const sysSet = bind<Set>('setxattr', 'int', setArgs);
const sysLlist = bind<List>('llistxattr', 'long', listArgs);
const sysList = bind<List>('listxattr', 'long', listArgs);
const sysLremove = bind<Remove>('lremovexattr', 'int', removeArgs);
const sysRemove = bind<Remove>('removexattr', 'int', removeArgs);

function pathOf(dirfd: number, name: Name): Name {
  if (name === '') return `/proc/self/fd/${dirfd}`;
  return dirfd === AT_FDCWD || name.startsWith('/') ? name : `/proc/self/fd/${dirfd}/${name}`;
}

/** A descriptor that is not open has no magic link: that is EBADF, not ENOENT. */
function outcome(result: number, name: Name): number {
  return result === -ENOENT && name === '' ? -EBADF : result;
}

export function getxattr(dirfd: number, name: Name, attr: Name, into: Uint8Array): number {
  const problem = putBoth(pathOf(dirfd, name), attr);
  if (problem < 0) return problem;
  const call = name === '' ? sysGet : sysLget;
  return outcome(settle(call(firstName, secondName, into, into.byteLength)), name);
}

export function setxattr(dirfd: number, name: Name, attr: Name, value: Uint8Array, flags: number): number {
  const problem = putBoth(pathOf(dirfd, name), attr);
  if (problem < 0) return problem;
  const call = name === '' ? sysSet : sysLset;
  return outcome(settle(call(firstName, secondName, value, value.byteLength, flags)), name);
}

export function listxattr(dirfd: number, name: Name, into: Uint8Array): number {
  const problem = putFirst(pathOf(dirfd, name));
  if (problem < 0) return problem;
  const call = name === '' ? sysList : sysLlist;
  return outcome(settle(call(firstName, into, into.byteLength)), name);
}

export function removexattr(dirfd: number, name: Name, attr: Name): number {
  const problem = putBoth(pathOf(dirfd, name), attr);
  if (problem < 0) return problem;
  const call = name === '' ? sysRemove : sysLremove;
  return outcome(settle(call(firstName, secondName)), name);
}
