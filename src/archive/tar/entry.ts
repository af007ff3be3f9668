/**
 * One entry of a tar, and what reader and writer agree on: POSIX.1-2017 pax interchange format, GNU tar 1.35's
 * extensions (long names, sparse files, base-256 numbers), star's `SCHILY.xattr.` records.
 */

import { UserError } from '../../errno/user-error.js';
import { displayName, type Name } from '../../vfs/name.js';

export type EntryType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

/** Bytes of a file that are stored; what lies between extents is a hole. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

export interface TarEntry {
  /** As the tar has it: not yet safe to use. */
  readonly name: Name;
  readonly type: EntryType;
  /** Permission bits, 07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The length of the file, holes included. */
  readonly sizeBytes: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  /** What a symlink says, or the name of the entry that a hard link stands for. */
  readonly linkName: Name;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<Name, Buffer> | undefined;
  /** Where a sparse file has data. */
  readonly extents: readonly Extent[] | undefined;
}

/** What an entry has of which nothing is said: of root, empty, from the beginning of time. */
export const BARE_ENTRY: Omit<TarEntry, 'name' | 'type' | 'mode'> = {
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
  linkName: '',
  major: 0,
  minor: 0,
  xattrs: undefined,
  extents: undefined,
};

export const BLOCK_BYTES = 512;

/** Bytes after `size` up to the next block. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** The error of a tar that cannot be read. */
export function brokenTar(why: string, name?: Name): UserError {
  const where = name === undefined ? '' : ` at '${displayName(name)}'`;
  return new UserError(`invalid tar${where}: ${why}`);
}
