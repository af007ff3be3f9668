/**
 * mount(2), umount2(2), and the calls that work on mounts by descriptor: open_tree, mount_setattr, fsopen, fsconfig,
 * fsmount, move_mount; and two compositions of them, detached mounts that no path leads to.
 *
 * A detached mount lives as long as the descriptor that made it: closing it takes the mount away (files open below
 * stay usable). That descriptor is O_PATH: good as a dirfd; to list the root, openat(fd, '.', O_DIRECTORY).
 */

import { EINVAL } from '../../errno/errno.js';
import type { Name } from '../../vfs/name.js';
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../constants.js';
import { close } from '../files/open.js';
import {
  bind,
  SYS_fsconfig,
  SYS_fsmount,
  SYS_fsopen,
  SYS_mount_setattr,
  SYS_move_mount,
  SYS_open_tree,
  settle,
} from '../library.js';
import { cString, emptyName, firstName, putBoth, putFirst, secondName } from '../scratch.js';

const sysMount = bind<(source: Buffer, target: Buffer, type: Buffer, flags: number, data: Buffer) => number>(
  'mount',
  'int',
  ['void *', 'void *', 'void *', 'ulong', 'void *'],
);
const sysUmount2 = bind<(target: Buffer, flags: number) => number>('umount2', 'int', ['void *', 'int']);
const sysOpenTree = bind<(nr: number, dirfd: number, path: Buffer, flags: number) => number>(
  'syscall',
  'long',
  ['long', 'int', 'void *', 'uint'],
);
const sysMountSetattr = bind<
  (nr: number, dirfd: number, path: Buffer, flags: number, attr: Uint8Array, bytes: number) => number
>('syscall', 'long', ['long', 'int', 'void *', 'uint', 'void *', 'ulong']);
const sysFsopen = bind<(nr: number, type: Buffer, flags: number) => number>('syscall', 'long', [
  'long',
  'void *',
  'uint',
]);
const sysFsconfig = bind<
  (nr: number, fd: number, command: number, key: Buffer, value: Buffer, aux: number) => number
>('syscall', 'long', ['long', 'int', 'uint', 'void *', 'void *', 'int']);
const sysFsconfigFlag = bind<
  (nr: number, fd: number, command: number, key: Buffer, value: number, aux: number) => number
>('syscall', 'long', ['long', 'int', 'uint', 'void *', 'long', 'int']);
const sysFsconfigCommand = bind<
  (nr: number, fd: number, command: number, key: number, value: number, aux: number) => number
>('syscall', 'long', ['long', 'int', 'uint', 'long', 'long', 'int']);
const sysFsmount = bind<(nr: number, fd: number, flags: number, attr: number) => number>('syscall', 'long', [
  'long',
  'int',
  'uint',
  'uint',
]);
const sysMoveMount = bind<
  (nr: number, fromFd: number, from: Buffer, toFd: number, to: Buffer, flags: number) => number
>('syscall', 'long', ['long', 'int', 'void *', 'int', 'void *', 'uint']);

/** mount(2) with MS_* flags; what a kind of call does not use is ''. */
export function mount(source: Name, target: Name, type: Name, flags: number, data: Name): number {
  const typeText = cString(type);
  const dataText = cString(data);
  if (typeText === undefined || dataText === undefined) return -EINVAL;
  const problem = putBoth(source, target);
  if (problem < 0) return problem;
  return settle(sysMount(firstName, secondName, typeText, flags, dataText));
}

/** umount2(2); follows a symlink unless flags have UMOUNT_NOFOLLOW. */
export function umount2(target: Name, flags: number): number {
  const problem = putFirst(target);
  if (problem < 0) return problem;
  return settle(sysUmount2(firstName, flags));
}

/** open_tree(2) with OPEN_TREE_* and AT_* flags: a descriptor of the tree, close-on-exec. */
export function openTree(dirfd: number, path: Name, flags: number): number {
  const problem = putFirst(path);
  if (problem < 0) return problem;
  return settle(sysOpenTree(SYS_open_tree, dirfd, firstName, flags | OPEN_TREE_CLOEXEC));
}

/** struct mount_attr: u64 attr_set, attr_clr, propagation, userns_fd. Only the low words are written. */
const MOUNT_ATTR_BYTES = 32;
const mountAttr = new Uint8Array(MOUNT_ATTR_BYTES);
const mountAttrWords = new Uint32Array(mountAttr.buffer);

/** mount_setattr(2) with MOUNT_ATTR_*; `propagation` is MS_PRIVATE or its like, 0 for no change. */
export function mountSetattr(
  dirfd: number,
  path: Name,
  flags: number,
  attrSet: number,
  attrClr: number,
  propagation = 0,
): number {
  const problem = putFirst(path);
  if (problem < 0) return problem;
  mountAttrWords[0] = attrSet;
  mountAttrWords[2] = attrClr;
  mountAttrWords[4] = propagation;
  return settle(sysMountSetattr(SYS_mount_setattr, dirfd, firstName, flags, mountAttr, MOUNT_ATTR_BYTES));
}

/** fsopen(2): the context of a file system to be made; closed by the caller. */
export function fsopen(type: Name, flags: number): number {
  const problem = putFirst(type);
  if (problem < 0) return problem;
  return settle(sysFsopen(SYS_fsopen, firstName, flags));
}

/** Sets one option of a context, as `key=value` would among mount options. */
export function fsconfigString(fd: number, key: Name, value: Name): number {
  const problem = putBoth(key, value);
  if (problem < 0) return problem;
  return settle(sysFsconfig(SYS_fsconfig, fd, FSCONFIG_SET_STRING, firstName, secondName, 0));
}

/** Sets an option of a context that has no value. */
export function fsconfigFlag(fd: number, key: Name): number {
  const problem = putFirst(key);
  if (problem < 0) return problem;
  return settle(sysFsconfigFlag(SYS_fsconfig, fd, FSCONFIG_SET_FLAG, firstName, 0, 0));
}

/** Makes the file system of a context. */
export function fsconfigCreate(fd: number): number {
  return settle(sysFsconfigCommand(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, 0, 0, 0));
}

/** fsmount(2): the descriptor of a detached mount, with MOUNT_ATTR_* in `attr`. */
export function fsmount(fd: number, flags: number, attr: number): number {
  return settle(sysFsmount(SYS_fsmount, fd, flags, attr));
}

/** move_mount(2) with MOVE_MOUNT_* flags: attaches a detached mount, or moves an attached one. */
export function moveMount(fromFd: number, from: Name, toFd: number, to: Name, flags: number): number {
  const problem = putBoth(from, to);
  if (problem < 0) return problem;
  return settle(sysMoveMount(SYS_move_mount, fromFd, firstName, toFd, secondName, flags));
}

/**
 * A detached private clone of the mount below a directory (without what is mounted further down), as a descriptor.
 *
 * Read-only, nothing can be written through it, by this process either (-EROFS), and no atime changes. Private:
 * later mounts on the original do not show. Needs CAP_SYS_ADMIN (-EPERM).
 */
export function clonePrivate(dirfd: number, { readOnly }: { readonly readOnly: boolean }): number {
  const fd = settle(
    sysOpenTree(SYS_open_tree, dirfd, emptyName, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH),
  );
  if (fd < 0) return fd;
  const attrSet = readOnly ? MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME : 0;
  const attrClr = readOnly ? MOUNT_ATTR__ATIME : 0;
  return orClose(fd, mountSetattr(fd, '', AT_EMPTY_PATH, attrSet, attrClr, MS_PRIVATE));
}

/** The same with all that is mounted below now; unbindable mounts are left out. */
export function cloneTreePrivate(dirfd: number, access: 'as the original' | 'read-only'): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
  const fd = settle(sysOpenTree(SYS_open_tree, dirfd, emptyName, flags));
  if (fd < 0) return fd;
  const readOnly = access === 'read-only';
  const attrSet = readOnly ? MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME : 0;
  const attrClr = readOnly ? MOUNT_ATTR__ATIME : 0;
  return orClose(fd, mountSetattr(fd, '', AT_EMPTY_PATH | AT_RECURSIVE, attrSet, attrClr, MS_PRIVATE));
}

/**
 * The root of a new detached file system (proc, devpts), as a descriptor; MOUNT_ATTR_* in `attr`.
 * @param options `key=value` each; the type is its source.
 */
export function detachedMount(
  type: Name,
  attr: number,
  options: readonly (readonly [key: Name, value: Name])[] = [],
): number {
  const context = fsopen(type, FSOPEN_CLOEXEC);
  if (context < 0) return context;
  const settings = [['source', type] as const, ...options];
  const refused = settings.map(([key, value]) => fsconfigString(context, key, value)).find((one) => one < 0);
  const created = refused ?? fsconfigCreate(context);
  const fd = created < 0 ? created : fsmount(context, FSMOUNT_CLOEXEC, attr);
  close(context);
  return fd;
}

interface TmpfsOptions {
  /** Limit of the content; the kernel's default is half of the memory. */
  readonly sizeBytes?: number;
  /** Permission bits of the root; the kernel's default is 0o1777. */
  readonly mode?: number;
  /** Limit of the number of inodes. */
  readonly inodes?: number;
  /** Owner of the root. */
  readonly uid?: number;
  readonly gid?: number;
  /** What mountinfo shows as its source. */
  readonly source?: Name;
  /** Its content stays in memory where the kernel lets us have that: Linux 6.4, and not in a user namespace. */
  readonly avoidsSwap?: boolean;
}

/** The root of a new detached tmpfs with MOUNT_ATTR_* in `attr`, as a descriptor. Needs CAP_SYS_ADMIN (-EPERM). */
export function privateTmpfs(options: TmpfsOptions, attr = 0): number {
  const context = fsopen('tmpfs', FSOPEN_CLOEXEC);
  if (context < 0) return context;
  const configured = configureTmpfs(context, options);
  const fd = configured < 0 ? configured : fsmount(context, FSMOUNT_CLOEXEC, attr);
  close(context);
  return fd;
}

function configureTmpfs(context: number, options: TmpfsOptions): number {
  const settings: [key: Name, value: string | undefined][] = [
    ['size', options.sizeBytes?.toString()],
    ['mode', options.mode?.toString(8)],
    ['nr_inodes', options.inodes?.toString()],
    ['uid', options.uid?.toString()],
    ['gid', options.gid?.toString()],
    ['source', options.source],
  ];
  for (const [key, value] of settings) {
    if (value === undefined) continue;
    const result = fsconfigString(context, key, value);
    if (result < 0) return result;
  }
  if (options.avoidsSwap) fsconfigFlag(context, 'noswap');
  return fsconfigCreate(context);
}

/** `fd` when the last step went well; else closes it and gives the error. */
function orClose(fd: number, result: number): number {
  if (result >= 0) return fd;
  close(fd);
  return result;
}
