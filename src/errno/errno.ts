/**
 * The errno numbers of Linux that plyfs uses, and their names.
 *
 * Numbers are those of asm-generic/errno-base.h and asm-generic/errno.h, which x86-64 and arm64 share. Inside
 * plyfs an errno is positive; only a syscall result (`linux/`) and a FUSE reply carry it negated.
 */

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const E2BIG = 7;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const EXDEV = 18;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const ENOTTY = 25;
const ETXTBSY = 26;
const EFBIG = 27;
export const ENOSPC = 28;
export const ESPIPE = 29;
export const EROFS = 30;
export const EMLINK = 31;
const EPIPE = 32;
export const ERANGE = 34;
export const ENAMETOOLONG = 36;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const ELOOP = 40;
export const ENODATA = 61;
export const EREMOTE = 66;
export const EPROTO = 71;
export const EOVERFLOW = 75;
export const EILSEQ = 84;
export const EOPNOTSUPP = 95;
export const ECONNABORTED = 103;
export const ENOTCONN = 107;
export const ETIMEDOUT = 110;
export const ESTALE = 116;
export const EDQUOT = 122;
const ECANCELED = 125;

/** Code and text of each errno; the text is what strerror(3) prints. */
const table: ReadonlyMap<number, readonly [code: string, text: string]> = new Map([
  [EPERM, ['EPERM', 'operation not permitted']],
  [ENOENT, ['ENOENT', 'no such file or directory']],
  [EINTR, ['EINTR', 'interrupted system call']],
  [EIO, ['EIO', 'input/output error']],
  [ENXIO, ['ENXIO', 'no such device or address']],
  [E2BIG, ['E2BIG', 'argument list too long']],
  [EBADF, ['EBADF', 'bad file descriptor']],
  [EAGAIN, ['EAGAIN', 'resource temporarily unavailable']],
  [ENOMEM, ['ENOMEM', 'cannot allocate memory']],
  [EACCES, ['EACCES', 'permission denied']],
  [EBUSY, ['EBUSY', 'device or resource busy']],
  [EEXIST, ['EEXIST', 'file exists']],
  [EXDEV, ['EXDEV', 'invalid cross-device link']],
  [ENODEV, ['ENODEV', 'no such device']],
  [ENOTDIR, ['ENOTDIR', 'not a directory']],
  [EISDIR, ['EISDIR', 'is a directory']],
  [EINVAL, ['EINVAL', 'invalid argument']],
  [ENFILE, ['ENFILE', 'too many open files in system']],
  [EMFILE, ['EMFILE', 'too many open files']],
  [ENOTTY, ['ENOTTY', 'inappropriate ioctl for device']],
  [ETXTBSY, ['ETXTBSY', 'text file busy']],
  [EFBIG, ['EFBIG', 'file too large']],
  [ENOSPC, ['ENOSPC', 'no space left on device']],
  [ESPIPE, ['ESPIPE', 'illegal seek']],
  [EROFS, ['EROFS', 'read-only file system']],
  [EMLINK, ['EMLINK', 'too many links']],
  [EPIPE, ['EPIPE', 'broken pipe']],
  [ERANGE, ['ERANGE', 'numerical result out of range']],
  [ENAMETOOLONG, ['ENAMETOOLONG', 'file name too long']],
  [ENOSYS, ['ENOSYS', 'function not implemented']],
  [ENOTEMPTY, ['ENOTEMPTY', 'directory not empty']],
  [ELOOP, ['ELOOP', 'too many levels of symbolic links']],
  [ENODATA, ['ENODATA', 'no data available']],
  [EREMOTE, ['EREMOTE', 'object is remote']],
  [EPROTO, ['EPROTO', 'protocol error']],
  [EOVERFLOW, ['EOVERFLOW', 'value too large for defined data type']],
  [EILSEQ, ['EILSEQ', 'invalid or incomplete multibyte or wide character']],
  [EOPNOTSUPP, ['EOPNOTSUPP', 'operation not supported']],
  [ECONNABORTED, ['ECONNABORTED', 'software caused connection abort']],
  [ENOTCONN, ['ENOTCONN', 'transport endpoint is not connected']],
  [ETIMEDOUT, ['ETIMEDOUT', 'connection timed out']],
  [ESTALE, ['ESTALE', 'stale file handle']],
  [EDQUOT, ['EDQUOT', 'disk quota exceeded']],
  [ECANCELED, ['ECANCELED', 'operation canceled']],
]);

/** `ENOENT` for 2; `E<number>` for an errno outside the table. */
export function errnoCode(errno: number): string {
  return table.get(errno)?.[0] ?? `E${errno}`;
}

/** What strerror(3) says of the errno, in lower case. */
export function errnoText(errno: number, unknown = `error ${errno}`): string {
  return table.get(errno)?.[1] ?? unknown;
}
