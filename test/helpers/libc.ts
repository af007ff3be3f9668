/**
 * The C library calls that Node's fs lacks, as the operator uses them (glibc 2.33 or later, through koffi).
 *
 * The tests have their own on purpose: an offset that `src/linux` gets wrong would otherwise be wrong in the file
 * system and in what judges it. Paths are NUL-terminated buffers; a failure throws an error shaped as Node's.
 */

import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');

const signatures = {
  utimensat: ['int', ['int', 'void*', 'void*', 'int']],
  renameat2: ['int', ['int', 'void*', 'int', 'void*', 'unsigned int']],
  linkat: ['int', ['int', 'void*', 'int', 'void*', 'int']],
  rmdir: ['int', ['void*']],
  symlink: ['int', ['void*', 'void*']],
  truncate: ['int', ['void*', 'int64_t']],
  ftruncate: ['int', ['int', 'int64_t']],
  chown: ['int', ['void*', 'int', 'int']],
  lchown: ['int', ['void*', 'int', 'int']],
  fchown: ['int', ['int', 'int', 'int']],
  mknod: ['int', ['void*', 'unsigned int', 'uint64_t']],
  statx: ['int', ['int', 'void*', 'int', 'unsigned int', 'void*']],
  fallocate: ['int', ['int', 'int', 'int64_t', 'int64_t']],
  lseek: ['int64_t', ['int', 'int64_t', 'int']],
  copy_file_range: ['int64_t', ['int', 'void*', 'int', 'void*', 'size_t', 'unsigned int']],
  getdents64: ['int64_t', ['int', 'void*', 'size_t']],
  flock: ['int', ['int', 'int']],
  setxattr: ['int', ['void*', 'void*', 'void*', 'size_t', 'int']],
  lsetxattr: ['int', ['void*', 'void*', 'void*', 'size_t', 'int']],
  getxattr: ['int64_t', ['void*', 'void*', 'void*', 'size_t']],
  lgetxattr: ['int64_t', ['void*', 'void*', 'void*', 'size_t']],
  listxattr: ['int64_t', ['void*', 'void*', 'size_t']],
  llistxattr: ['int64_t', ['void*', 'void*', 'size_t']],
  removexattr: ['int', ['void*', 'void*']],
  lremovexattr: ['int', ['void*', 'void*']],
  name_to_handle_at: ['int', ['int', 'void*', 'void*', 'void*', 'int']],
  open_by_handle_at: ['int', ['int', 'void*', 'int']],
  mmap: ['int64_t', ['uint64_t', 'size_t', 'int', 'int', 'int', 'int64_t']],
  munmap: ['int', ['uint64_t', 'size_t']],
  msync: ['int', ['uint64_t', 'size_t', 'int']],
  pread64: ['int64_t', ['int', 'uint64_t', 'size_t', 'int64_t']],
  pwrite64: ['int64_t', ['int', 'uint64_t', 'size_t', 'int64_t']],
} as const satisfies Record<string, readonly [string, readonly string[]]>;

/** Functions of a variable last argument, which is a pointer here. */
const VARIADIC = {
  fcntl: ['int', ['int', 'int', '...']],
  ioctl: ['int', ['int', 'unsigned long', '...']],
} as const satisfies Record<string, readonly [string, readonly string[]]>;

type LibcName = keyof typeof signatures | keyof typeof VARIADIC;
type Argument = number | bigint | Uint8Array | null;

const functions = new Map<LibcName, (...args: (Argument | string)[]) => number | bigint>();

function bind(name: LibcName): (...args: (Argument | string)[]) => number | bigint {
  let bound = functions.get(name);
  if (bound === undefined) {
    const [result, args] =
      name in VARIADIC
        ? VARIADIC[name as keyof typeof VARIADIC]
        : signatures[name as keyof typeof signatures];
    bound = libc.func(name, result, [...args]) as (...args: (Argument | string)[]) => number | bigint;
    functions.set(name, bound);
  }
  return bound;
}

/** Calls a function of the C library. @returns its result; throws an error with `code` and `errno` when it is -1. */
export function call(name: LibcName, ...args: Argument[]): number {
  return Number(callWide(name, ...args));
}

/** The same for results beyond 2^53: addresses. */
export function callWide(name: LibcName, ...args: Argument[]): bigint {
  const result = BigInt(bind(name)(...args));
  if (result === -1n) throw systemError(name, koffi.errno());
  return result;
}

/** fcntl(2) with a pointer argument. */
export function fcntl(fd: number, command: number, data: Uint8Array): number {
  const result = Number(bind('fcntl')(fd, command, 'void*', data));
  if (result === -1) throw systemError('fcntl', koffi.errno());
  return result;
}

/** ioctl(2) with a pointer argument. */
export function ioctl(fd: number, request: number, data: Uint8Array): number {
  const result = Number(bind('ioctl')(fd, request, 'void*', data));
  if (result === -1) throw systemError('ioctl', koffi.errno());
  return result;
}

const copyOut: (into: Uint8Array, from: bigint, length: number) => void = libc.func(
  'void* memcpy(void*, uint64_t, size_t)',
);
const copyIn: (into: bigint, from: Uint8Array, length: number) => void = libc.func(
  'void* memcpy(uint64_t, void*, size_t)',
);

/** The bytes at an address of this process. */
export function peek(address: bigint, length: number): Buffer {
  const into = Buffer.alloc(length);
  copyOut(into, address, length);
  return into;
}

/** Writes bytes to an address of this process. */
export function poke(address: bigint, data: Uint8Array): void {
  copyIn(address, data, data.length);
}

interface SystemError extends Error {
  code: string;
  errno: number;
}

/** Node has no name for it. */
const ESTALE = 116;

function systemError(syscall: string, errno: number): SystemError {
  const name = errno === ESTALE ? 'ESTALE' : getSystemErrorName(-errno);
  const code = name === 'ENOTSUP' ? 'EOPNOTSUPP' : name;
  return Object.assign(new Error(`${code}: ${syscall}`), { code, errno });
}
