/** Operations on names: making, removing, linking, renaming and listing them. */

import fs from 'node:fs';
import { call } from '../libc.js';
import { AT_FDCWD, AT_SYMLINK_FOLLOW, O_DIRECTORY, O_NOATIME, O_RDONLY } from '../test-constants.js';
import { remember } from './file-operations.js';
import { bytesOf, cPath, cString, type Path } from './path.js';

export interface Dirent {
  readonly name: string;
  readonly ino: bigint;
  /** DT_* */
  readonly type: number;
  /** Where lseek(2) resumes after this entry. */
  readonly next: bigint;
}

/** One getdents64(2); an empty list is the end. `room` is the size of the buffer in bytes. */
function getdents(fd: number, room: number): Dirent[] {
  const buffer = Buffer.alloc(room);
  const end = call('getdents64', fd, buffer, room);
  const entries: Dirent[] = [];
  for (let at = 0; at < end; ) {
    const length = buffer.readUInt16LE(at + 16);
    const nameEnd = buffer.indexOf(0, at + 19);
    entries.push({
      ino: buffer.readBigUInt64LE(at),
      next: buffer.readBigInt64LE(at + 8),
      type: buffer.readUInt8(at + 18),
      name: buffer.toString('latin1', at + 19, nameEnd),
    });
    at += length;
  }
  return entries;
}

/** All entries but `.` and `..`, sorted by name. O_NOATIME where the caller may, so that looking leaves no trace. */
export function listDirectory(path: Path): Dirent[] {
  const fd = openForListing(path);
  try {
    const all: Dirent[] = [];
    for (;;) {
      const some = getdents(fd, 65_536);
      if (some.length === 0) break;
      all.push(...some.filter((entry) => entry.name !== '.' && entry.name !== '..'));
    }
    return all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  } finally {
    fs.closeSync(fd);
  }
}

function openForListing(path: Path): number {
  const flags = O_RDONLY | O_DIRECTORY;
  const noTrace = process.geteuid?.() === 0 ? O_NOATIME : 0;
  return fs.openSync(bytesOf(path), flags | noTrace);
}

/** dev_t of a device as mknod(2) takes it. */
export function makeDevice(major: number, minor: number): number {
  return (minor & 0xff) + ((major & 0xfff) << 8) + (minor >>> 8) * 2 ** 20;
}

export const nameOperations = {
  mkdir(path: Path, mode = 0o777): void {
    fs.mkdirSync(bytesOf(path), mode);
  },
  rmdir(path: Path): void {
    call('rmdir', cPath(path));
  },
  unlink(path: Path): void {
    fs.unlinkSync(bytesOf(path));
  },
  /** `mode` carries the S_IF* type. */
  mknod(path: Path, mode: number, major = 0, minor = 0): void {
    call('mknod', cPath(path), mode, makeDevice(major, minor));
  },
  symlink(target: string, path: Path): void {
    call('symlink', cString(target), cPath(path));
  },
  /** Where the path leads, absolute; ELOOP after 40 symlinks, where realpath(1) may follow them for ever. */
  realpath(path: Path): string {
    return fs.realpathSync.native(bytesOf(path), 'latin1');
  },
  readlink(path: Path): string {
    return fs.readlinkSync(bytesOf(path), 'latin1');
  },
  /** A symlink is linked itself, not what it names. */
  link(existing: Path, path: Path): void {
    call('linkat', AT_FDCWD, cPath(existing), AT_FDCWD, cPath(path), 0);
  },
  /** Gives an open file a name: of O_TMPFILE, or of an unlinked file (which is refused). */
  linkDescriptor(fd: number, path: Path): void {
    call('linkat', AT_FDCWD, cPath({ fd }), AT_FDCWD, cPath(path), AT_SYMLINK_FOLLOW);
  },
  rename(from: Path, to: Path, flags = 0): void {
    call('renameat2', AT_FDCWD, cPath(from), AT_FDCWD, cPath(to), flags);
  },
  /** A struct file_handle. */
  handleOf(path: Path): Buffer {
    const handle = Buffer.alloc(8 + 128);
    handle.writeUInt32LE(128, 0);
    call('name_to_handle_at', AT_FDCWD, cPath(path), handle, Buffer.alloc(8), 0);
    return handle;
  },
  /** @param mount an open file of the file system that the handle belongs to. */
  openByHandle(mount: number, handle: Uint8Array, flags: number = O_RDONLY): number {
    return remember(call('open_by_handle_at', mount, handle, flags));
  },
  /** Names without `.` and `..`, sorted. */
  names(path: Path): string[] {
    return listDirectory(path).map((entry) => entry.name);
  },
  /** Entries without `.` and `..`, sorted by name. */
  readdir(path: Path): Dirent[] {
    return listDirectory(path);
  },
  getdents(fd: number, room: number): Dirent[] {
    return getdents(fd, room);
  },
};
