/** What is said of an object, wherever it lies: its type, mode, owner, size and time. */

import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../../linux/constants.js';
import type { Attr } from '../../vfs/attr.js';

export type ObjectType = 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket';

const TYPES: ReadonlyMap<number, ObjectType> = new Map([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'character'],
  [S_IFBLK, 'block'],
  [S_IFIFO, 'fifo'],
  [S_IFSOCK, 'socket'],
]);

export function objectType(mode: number): ObjectType {
  return TYPES.get(mode & S_IFMT)!;
}

export interface ObjectFacts {
  readonly type: ObjectType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly mtimeMs: number;
}

type StatFields = Pick<Attr, 'mode' | 'uid' | 'gid' | 'sizeBytes' | 'mtimeSec' | 'mtimeNsec'>;

export function objectFacts({ mode, uid, gid, sizeBytes, mtimeSec, mtimeNsec }: StatFields): ObjectFacts {
  const mtimeMs = mtimeSec * 1000 + Math.floor(mtimeNsec / 1e6);
  return { type: objectType(mode), mode: mode & 0o7777, uid, gid, sizeBytes, mtimeMs };
}
