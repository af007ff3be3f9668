/**
 * Reading, writing, placing and flushing file data.
 *
 * Buffers are passed as they are: a view counts from its own start, and its byteLength is the length asked for. A
 * short result is a result. Offsets and lengths are JS numbers up to 2^53. EINTR comes back as -EINTR.
 */

import { FICLONE } from '../constants.js';
import { ioctlNumber } from '../ioctl.js';
import { addressOf, bind, SYS_preadv2, SYS_pwritev2, settle } from '../library.js';

const TWO_32 = 2 ** 32;

type Transfer = (fd: number, bytes: Uint8Array, length: number) => number;
type TransferAt = (fd: number, bytes: Uint8Array, length: number, offset: number) => number;

const sysRead = bind<Transfer>('read', 'long', ['int', 'void *', 'ulong']);
const sysWrite = bind<Transfer>('write', 'long', ['int', 'void *', 'ulong']);
const sysPread = bind<TransferAt>('pread', 'long', ['int', 'void *', 'ulong', 'int64']);
const sysPwrite = bind<TransferAt>('pwrite', 'long', ['int', 'void *', 'ulong', 'int64']);
/** preadv2(2) and pwritev2(2), whose offset has a second, upper half that 64-bit kernels leave alone. */
const sysVectorAt = bind<
  (
    nr: number,
    fd: number,
    iov: Uint8Array,
    count: number,
    offset: number,
    upper: number,
    flags: number,
  ) => number
>('syscall', 'long', ['long', 'int', 'void *', 'ulong', 'int64', 'long', 'int']);
const sysFallocate = bind<(fd: number, mode: number, offset: number, length: number) => number>(
  'fallocate',
  'int',
  ['int', 'int', 'int64', 'int64'],
);
const sysLseek = bind<(fd: number, offset: number, whence: number) => number>('lseek', 'int64', [
  'int',
  'int64',
  'int',
]);
const sysCopyFileRange = bind<
  (
    fdIn: number,
    offIn: Uint8Array,
    fdOut: number,
    offOut: Uint8Array,
    length: number,
    flags: number,
  ) => number
>('copy_file_range', 'long', ['int', 'void *', 'int', 'void *', 'ulong', 'uint']);
const sysFsync = bind<(fd: number) => number>('fsync', 'int', ['int']);
const sysFdatasync = bind<(fd: number) => number>('fdatasync', 'int', ['int']);
const sysSyncfs = bind<(fd: number) => number>('syncfs', 'int', ['int']);
const sysFadvise = bind<(fd: number, offset: number, length: number, advice: number) => number>(
  'posix_fadvise',
  'int',
  ['int', 'int64', 'int64', 'int'],
);
const POSIX_FADV_WILLNEED = 3;
const sysFlock = bind<(fd: number, op: number) => number>('flock', 'int', ['int', 'int']);

/** Bytes read, 0 at the end of the file. */
export function read(fd: number, into: Uint8Array): number {
  return settle(sysRead(fd, into, into.byteLength));
}

/** Bytes written. */
export function write(fd: number, from: Uint8Array): number {
  return settle(sysWrite(fd, from, from.byteLength));
}

/** Writes the first `length` bytes of a buffer: spares the caller a subarray for each message. */
export function writePrefix(fd: number, from: Uint8Array, length: number): number {
  return settle(sysWrite(fd, from, Math.min(length, from.byteLength)));
}

/** Bytes read at `offset`, 0 at or past the end of the file. */
export function pread(fd: number, into: Uint8Array, offset: number): number {
  return settle(sysPread(fd, into, into.byteLength, offset));
}

/** Reads at most `length` bytes to the start of a buffer: spares the caller a subarray for each read. */
export function preadPrefix(fd: number, into: Uint8Array, length: number, offset: number): number {
  return settle(sysPread(fd, into, Math.min(length, into.byteLength), offset));
}

/** Bytes written at `offset`; an O_APPEND descriptor appends all the same, as pwrite(2) says under BUGS. */
export function pwrite(fd: number, from: Uint8Array, offset: number): number {
  return settle(sysPwrite(fd, from, from.byteLength, offset));
}

/** struct iovec: the address of the bytes, their length. */
const iovec = new BigUint64Array(2);
const iovecBytes = new Uint8Array(iovec.buffer);
const RWF_APPEND = 0x10;

/** Writes at the end of the file, wherever that is by now, as through an O_APPEND descriptor. Bytes written. */
export function append(fd: number, from: Uint8Array): number {
  iovec[0] = addressOf(from);
  iovec[1] = BigInt(from.byteLength);
  return settle(sysVectorAt(SYS_pwritev2, fd, iovecBytes, 1, 0, 0, RWF_APPEND));
}

const RWF_NOWAIT = 0x8;

/**
 * pread() of what needs no wait for the disk: may end before, between two pages; -EAGAIN when nothing is there,
 * -EOPNOTSUPP where the file system cannot tell.
 */
export function preadNowait(fd: number, into: Uint8Array, offset: number): number {
  iovec[0] = addressOf(into);
  iovec[1] = BigInt(into.byteLength);
  return settle(sysVectorAt(SYS_preadv2, fd, iovecBytes, 1, offset, 0, RWF_NOWAIT));
}

/** fallocate(2) with FALLOC_FL_* in `mode`. */
export function fallocate(fd: number, mode: number, offset: number, length: number): number {
  return settle(sysFallocate(fd, mode, offset, length));
}

/** lseek(2): the new offset; -ENXIO for SEEK_DATA and SEEK_HOLE past the end. */
export function lseek(fd: number, offset: number, whence: number): number {
  return settle(sysLseek(fd, offset, whence));
}

const offsetIn = new Uint8Array(8);
const offsetInWords = new Uint32Array(offsetIn.buffer);
const offsetOut = new Uint8Array(8);
const offsetOutWords = new Uint32Array(offsetOut.buffer);

/** copy_file_range(2): bytes copied, 0 at the end of the source; the descriptors' own offsets stay. */
export function copyFileRange(
  fdIn: number,
  offIn: number,
  fdOut: number,
  offOut: number,
  length: number,
): number {
  offsetInWords[0] = offIn;
  offsetInWords[1] = Math.floor(offIn / TWO_32);
  offsetOutWords[0] = offOut;
  offsetOutWords[1] = Math.floor(offOut / TWO_32);
  return settle(sysCopyFileRange(fdIn, offsetIn, fdOut, offsetOut, length, 0));
}

/** Makes the target share all blocks of the source (FICLONE); -EOPNOTSUPP or -EXDEV where that cannot be. */
export function ficlone(targetFd: number, sourceFd: number): number {
  return ioctlNumber(targetFd, FICLONE, sourceFd);
}

/** Starts to bring a part of a file into the page cache, without waiting for it. What the kernel says to that does not matter. */
export function adviseWillNeed(fd: number, offset: number, length: number): void {
  sysFadvise(fd, offset, length, POSIX_FADV_WILLNEED);
}

/** Durable on return: data and all metadata of the file; for a directory, its entries. */
export function fsync(fd: number): number {
  return settle(sysFsync(fd));
}

/** Durable on return: data, and the metadata needed to read it. */
export function fdatasync(fd: number): number {
  return settle(sysFdatasync(fd));
}

/** Durable on return: all of the file system that holds the descriptor. */
export function syncfs(fd: number): number {
  return settle(sysSyncfs(fd));
}

/** flock(2) with LOCK_*; -EAGAIN when LOCK_NB is set and another open file holds the lock. */
export function flock(fd: number, op: number): number {
  return settle(sysFlock(fd, op));
}
