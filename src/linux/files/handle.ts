/**
 * File handles: name_to_handle_at(2) and open_by_handle_at(2).
 *
 * A handle names an inode for as long as it exists, whatever its path; union keeps them as origins, as overlayfs
 * does. struct file_handle is u32 handle_bytes, int handle_type, then handle_bytes bytes (at most 128).
 */

import { EINVAL } from '../../errno/errno.js';
import type { Name } from '../../vfs/name.js';
import { AT_EMPTY_PATH, O_CLOEXEC } from '../constants.js';
import { bind, settle } from '../library.js';
import { firstName, putFirst } from '../scratch.js';

/** Bytes before the opaque part of a handle. */
export const FILE_HANDLE_HEADER_BYTES = 8;
/** What any handle fits in: the header and MAX_HANDLE_SZ. */
export const FILE_HANDLE_MAX_BYTES = FILE_HANDLE_HEADER_BYTES + 128;

const sysNameToHandleAt = bind<
  (dirfd: number, name: Buffer, into: Buffer, mountId: Uint8Array, flags: number) => number
>('name_to_handle_at', 'int', ['int', 'void *', 'void *', 'void *', 'int']);
const sysOpenByHandleAt = bind<(mountFd: number, handle: Buffer, flags: number) => number>(
  'open_by_handle_at',
  'int',
  ['int', 'void *', 'int'],
);

// 64 bits, although the kernel writes an int: room for AT_HANDLE_MNT_ID_UNIQUE.
const mountId = new Uint8Array(128);

/**
 * Fills `into` with a struct file_handle and gives its length; does not follow a symlink.
 *
 * -EOVERFLOW when `into` is too short (FILE_HANDLE_MAX_BYTES never is), -EOPNOTSUPP where the file system has no
 * handles. Name '' means what the descriptor names.
 */
export function nameToHandleAt(dirfd: number, name: Name, into: Buffer): number {
  if (into.byteLength < FILE_HANDLE_HEADER_BYTES) return -EINVAL;
  const problem = putFirst(name);
  if (problem < 0) return problem;
  into.writeUInt32LE(Math.min(into.byteLength, FILE_HANDLE_MAX_BYTES) - FILE_HANDLE_HEADER_BYTES, 0);
  const flags = name === '' ? AT_EMPTY_PATH : 0;
  const result = settle(sysNameToHandleAt(dirfd, firstName, into, mountId, flags));
  return result < 0 ? result : FILE_HANDLE_HEADER_BYTES + into.readUInt32LE(0);
}

/**
 * Opens what a handle names, on the file system that holds `mountFd`. Needs CAP_DAC_READ_SEARCH (-EPERM).
 *
 * -ESTALE when the inode is gone. O_CLOEXEC is added; O_PATH works for any type.
 * PRECONDITION: the handle is as long as its header says (-EINVAL otherwise).
 */
export function openByHandleAt(mountFd: number, handle: Buffer, flags: number): number {
  if (handle.byteLength < FILE_HANDLE_HEADER_BYTES) return -EINVAL;
  if (handle.byteLength < FILE_HANDLE_HEADER_BYTES + handle.readUInt32LE(0)) return -EINVAL;
  return settle(sysOpenByHandleAt(mountFd, handle, flags | O_CLOEXEC));
}
