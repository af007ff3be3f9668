/**
 * The operations of the FUSE kernel protocol, version 7.45, under the kernel's names (include/uapi/linux/fuse.h).
 *
 * SETUPMAPPING and REMOVEMAPPING belong to virtiofs and CUSE_INIT to character devices; a mount over /dev/fuse sees
 * none of them, they are listed so that a log can name them.
 */

export const FUSE_LOOKUP = 1;
export const FUSE_FORGET = 2;
export const FUSE_GETATTR = 3;
export const FUSE_SETATTR = 4;
export const FUSE_READLINK = 5;
export const FUSE_SYMLINK = 6;
export const FUSE_MKNOD = 8;
export const FUSE_MKDIR = 9;
export const FUSE_UNLINK = 10;
export const FUSE_RMDIR = 11;
export const FUSE_RENAME = 12;
export const FUSE_LINK = 13;
export const FUSE_OPEN = 14;
export const FUSE_READ = 15;
export const FUSE_WRITE = 16;
export const FUSE_STATFS = 17;
export const FUSE_RELEASE = 18;
export const FUSE_FSYNC = 20;
export const FUSE_SETXATTR = 21;
export const FUSE_GETXATTR = 22;
export const FUSE_LISTXATTR = 23;
export const FUSE_REMOVEXATTR = 24;
export const FUSE_FLUSH = 25;
export const FUSE_INIT = 26;
export const FUSE_OPENDIR = 27;
export const FUSE_READDIR = 28;
export const FUSE_RELEASEDIR = 29;
export const FUSE_FSYNCDIR = 30;
export const FUSE_GETLK = 31;
export const FUSE_SETLK = 32;
export const FUSE_SETLKW = 33;
export const FUSE_ACCESS = 34;
export const FUSE_CREATE = 35;
export const FUSE_INTERRUPT = 36;
export const FUSE_BMAP = 37;
export const FUSE_DESTROY = 38;
export const FUSE_IOCTL = 39;
export const FUSE_POLL = 40;
export const FUSE_NOTIFY_REPLY = 41;
export const FUSE_BATCH_FORGET = 42;
export const FUSE_FALLOCATE = 43;
export const FUSE_READDIRPLUS = 44;
export const FUSE_RENAME2 = 45;
export const FUSE_LSEEK = 46;
export const FUSE_COPY_FILE_RANGE = 47;
export const FUSE_SETUPMAPPING = 48;
export const FUSE_REMOVEMAPPING = 49;
export const FUSE_SYNCFS = 50;
export const FUSE_TMPFILE = 51;
export const FUSE_STATX = 52;
export const FUSE_COPY_FILE_RANGE_64 = 53;
export const CUSE_INIT = 4096;

/** One more than the largest opcode a mount sees: the length of a table indexed by opcode. */
export const OPCODE_LIMIT = 54;

const names: readonly (string | undefined)[] = [
  undefined,
  'LOOKUP',
  'FORGET',
  'GETATTR',
  'SETATTR',
  'READLINK',
  'SYMLINK',
  undefined,
  'MKNOD',
  'MKDIR',
  'UNLINK',
  'RMDIR',
  'RENAME',
  'LINK',
  'OPEN',
  'READ',
  'WRITE',
  'STATFS',
  'RELEASE',
  undefined,
  'FSYNC',
  'SETXATTR',
  'GETXATTR',
  'LISTXATTR',
  'REMOVEXATTR',
  'FLUSH',
  'INIT',
  'OPENDIR',
  'READDIR',
  'RELEASEDIR',
  'FSYNCDIR',
  'GETLK',
  'SETLK',
  'SETLKW',
  'ACCESS',
  'CREATE',
  'INTERRUPT',
  'BMAP',
  'DESTROY',
  'IOCTL',
  'POLL',
  'NOTIFY_REPLY',
  'BATCH_FORGET',
  'FALLOCATE',
  'READDIRPLUS',
  'RENAME2',
  'LSEEK',
  'COPY_FILE_RANGE',
  'SETUPMAPPING',
  'REMOVEMAPPING',
  'SYNCFS',
  'TMPFILE',
  'STATX',
  'COPY_FILE_RANGE_64',
];

/** The name of an operation as the kernel has it, without the prefix: `LOOKUP`; `opcode 99` for one it does not have. */
export function opcodeName(opcode: number): string {
  return names[opcode] ?? `opcode ${opcode}`;
}
