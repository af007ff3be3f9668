/** The operations of an operator (test/helpers/operations) by the small kernel, for paths and descriptors of an in-process mount. */

import { ENAMETOOLONG, ENOENT, ENOTDIR } from '../../src/errno/errno.js';
import { fsError, isErrno } from '../../src/errno/fs-error.js';
import { O_CREAT, O_DIRECTORY, O_NOATIME, O_RDONLY, O_TRUNC, O_WRONLY } from '../../src/linux/constants.js';
import type { Operations } from '../helpers/operations/all-operations.js';
import type { Path } from '../helpers/operations/path.js';
import * as attributes from './kernel/attribute-calls.js';
import * as io from './kernel/file-calls.js';
import type { Inode } from './kernel/inode-cache.js';
import type { Process } from './kernel/kernel-process.js';
import { getdents } from './kernel/list.js';
import * as names from './kernel/name-calls.js';
import { openPath, reopen } from './kernel/open-call.js';
import { type PathFrom, resolve, retried } from './kernel/path-walk.js';
import { assertMay, MAY_EXEC } from './kernel/permission.js';
import { readMountTree } from './mount-tree.js';
import { runProgram } from './programs.js';
import { unsupported } from './unsupported.js';

export type MountOperations = Pick<
  Operations,
  | 'open'
  | 'close'
  | 'read'
  | 'write'
  | 'readFile'
  | 'writeFile'
  | 'truncate'
  | 'ftruncate'
  | 'fsync'
  | 'fdatasync'
  | 'lseek'
  | 'fallocate'
  | 'copyFileRange'
  | 'readAligned'
  | 'writeAligned'
  | 'stat'
  | 'lstat'
  | 'fstat'
  | 'statx'
  | 'birthNs'
  | 'access'
  | 'chmod'
  | 'fchmod'
  | 'chown'
  | 'lchown'
  | 'fchown'
  | 'utimens'
  | 'setxattr'
  | 'getxattr'
  | 'xattrSize'
  | 'listxattr'
  | 'removexattr'
  | 'inodeFlags'
  | 'setInodeFlags'
  | 'fsxattr'
  | 'setFsxattr'
  | 'statfs'
  | 'mkdir'
  | 'rmdir'
  | 'unlink'
  | 'mknod'
  | 'symlink'
  | 'readlink'
  | 'link'
  | 'linkDescriptor'
  | 'rename'
  | 'names'
  | 'readdir'
  | 'getdents'
  | 'umask'
  | 'chdir'
  | 'cwd'
  | 'exists'
  | 'readTree'
  | 'run'
>;

const PATH_MAX = 4096;
const PIECE = 65_536;
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_IOC_FSGETXATTR = 0x801c581f;
const FS_IOC_FSSETXATTR = 0x401c5820;
/** What suites look at: see helpers/operations/attribute-operations.ts. */
const FLAGS_SHARED = 0xf8;
const STATX_ATTR_NONE = 0n;
const FUSE_SUPER_MAGIC = 0x65735546n;

/** Where a path of an operation leads: `root` is the mount's path that string paths are below of. */
function pathFrom(process: Process, root: string, path: Path): PathFrom {
  const top = process.kernel.cache.root;
  const length =
    typeof path === 'string' ? root.length + 1 + path.length : 'cwd' in path ? path.cwd.length : 0;
  if (length >= PATH_MAX) throw fsError(ENAMETOOLONG, 'path');
  if (typeof path === 'string') {
    const inside = process.insideMount(root) ?? '';
    return { start: top, path: path === '' ? inside : inside === '' ? path : `${inside}/${path}` };
  }
  if ('cwd' in path) return { start: process.cwd, path: path.cwd };
  return { start: process.description(path.fd).inode, path: path.name ?? '' };
}

function isFd(path: Path): path is { readonly fd: number } {
  return typeof path === 'object' && 'fd' in path && path.name === undefined;
}

/** One operation after the other, for one process; `root()` is that of the operation under way. */
export function mountOperations(process: Process, root: () => string): MountOperations {
  const at = (path: Path): PathFrom => pathFrom(process, root(), path);
  const find = <T>(path: Path, follow: boolean, use: (inode: Inode) => T): T =>
    retried((fresh) => use(resolve(process, at(path), { follow }, fresh)));
  const open = (path: Path, flags = O_RDONLY, mode = 0o666): number =>
    isFd(path) ? reopen(process, path.fd, flags) : openPath(process, at(path), flags, mode);
  const using = <T>(fd: number, use: (fd: number) => T): T => {
    try {
      return use(fd);
    } finally {
      process.close(fd);
    }
  };
  const inodeOf = (fd: number): Inode => process.description(fd).inode;
  const listed = (path: Path) => {
    const isRoot = process.who.uid === 0;
    return using(open(path, O_RDONLY | O_DIRECTORY | (isRoot ? O_NOATIME : 0)), (fd) => {
      const all = [];
      for (let some = getdents(process, fd, 65_536); some.length > 0; some = getdents(process, fd, 65_536))
        all.push(...some.filter(({ name }) => name !== '.' && name !== '..'));
      return all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    });
  };
  const bytes = (data: string | Uint8Array): Uint8Array =>
    typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  const flagsOf = (path: Path, command: number, fill?: (words: Uint32Array) => void): Uint32Array =>
    find(path, true, (inode) => attributes.flags(process, inode, command, fill));

  const files = {
    open,
    close: (fd: number) => process.close(fd),
    read: (fd: number, length: number, offset?: number) => io.read(process, fd, length, offset),
    write: (fd: number, data: string | Uint8Array, offset?: number) =>
      io.write(process, fd, bytes(data), offset),
    readFile: (path: Path) =>
      using(open(path), (fd) => {
        const room = Math.max(PIECE, attributes.statInode(process, inodeOf(fd)).size);
        const pieces: Buffer[] = [];
        for (let some = io.read(process, fd, room); some.length > 0; some = io.read(process, fd, room))
          pieces.push(some);
        return Buffer.concat(pieces).toString('latin1');
      }),
    writeFile: (path: Path, data: string | Uint8Array, flags = O_WRONLY | O_CREAT | O_TRUNC, mode = 0o666) =>
      using(open(path, flags, mode), (fd) => void (data.length > 0 && io.write(process, fd, bytes(data)))),
    truncate: (path: Path, size: number) =>
      find(path, true, (inode) => attributes.truncate(process, inode, size)),
    ftruncate: (fd: number, size: number) => io.ftruncate(process, fd, size),
    fsync: (fd: number) => io.fsync(process, fd, 'all'),
    fdatasync: (fd: number) => io.fsync(process, fd, 'data'),
    lseek: (fd: number, offset: number | bigint, whence: number) =>
      io.lseek(process, fd, Number(offset), whence),
    fallocate: (fd: number, mode: number, offset: number, length: number) =>
      io.fallocate(process, fd, mode, offset, length),
    copyFileRange: (
      source: number,
      sourceOffset: number,
      target: number,
      targetOffset: number,
      length: number,
    ) =>
      io.copyFileRange(
        process,
        { fd: source, offset: sourceOffset },
        { fd: target, offset: targetOffset },
        length,
      ),
    readAligned: (fd: number, length: number, offset: number) => io.read(process, fd, length, offset),
    writeAligned: (fd: number, data: Uint8Array, offset: number) => io.write(process, fd, data, offset),
  };

  const attributeOperations = {
    stat: (path: Path) => find(path, true, (inode) => attributes.statInode(process, inode)),
    lstat: (path: Path) => find(path, false, (inode) => attributes.statInode(process, inode)),
    fstat: (fd: number) => attributes.statInode(process, inodeOf(fd)),
    statx: (path: Path) => {
      const { type, nlink, size } = find(path, false, (inode) => attributes.statInode(process, inode));
      const isDirectory = type === 'dir';
      return {
        mask: 0x7ff,
        attributes: STATX_ATTR_NONE,
        nlink: isDirectory ? 0 : nlink,
        size: isDirectory ? 0n : BigInt(size),
      };
    },
    birthNs: (path: Path) => find(path, false, (inode) => attributes.birthOf(process, inode)),
    access: (path: Path, mode: number) =>
      find(path, true, (inode) => {
        if (mode !== 0) assertMay(process.kernel, process.who, inode, mode);
      }),
    chmod: (path: Path, mode: number) => find(path, true, (inode) => attributes.chmod(process, inode, mode)),
    fchmod: (fd: number, mode: number) => attributes.chmod(process, inodeOf(fd), mode),
    chown: (path: Path, uid: number, gid: number) =>
      find(path, true, (inode) => attributes.chown(process, inode, uid, gid)),
    lchown: (path: Path, uid: number, gid: number) =>
      find(path, false, (inode) => attributes.chown(process, inode, uid, gid)),
    fchown: (fd: number, uid: number, gid: number) => attributes.chown(process, inodeOf(fd), uid, gid),
    utimens: (...[path, atime, mtime]: Parameters<Operations['utimens']>) =>
      find(path, false, (inode) => attributes.utimens(process, inode, atime, mtime)),
    setxattr: (path: Path, name: string, value: string | Uint8Array, flags = 0) =>
      find(path, false, (inode) => attributes.setxattr(process, inode, { name, value: bytes(value), flags })),
    getxattr: (path: Path, name: string, room?: number) =>
      find(path, false, (inode) => attributes.getxattr(process, inode, name, room)),
    xattrSize: (path: Path, name: string) =>
      find(path, false, (inode) => attributes.getxattr(process, inode, name).length),
    listxattr: (path: Path) => find(path, false, (inode) => attributes.listxattr(process, inode)),
    removexattr: (path: Path, name: string) =>
      find(path, false, (inode) => attributes.removexattr(process, inode, name)),
    inodeFlags: (path: Path) => flagsOf(path, FS_IOC_GETFLAGS)[0]! & FLAGS_SHARED,
    setInodeFlags: (path: Path, flags: number) => {
      const now = flagsOf(path, FS_IOC_GETFLAGS)[0]!;
      flagsOf(path, FS_IOC_SETFLAGS, (words) => {
        words[0] = (now & ~FLAGS_SHARED) | flags;
      });
    },
    fsxattr: (path: Path) => {
      const words = flagsOf(path, FS_IOC_FSGETXATTR);
      return { flags: words[0]! & FLAGS_SHARED, project: words[3]! };
    },
    setFsxattr: (path: Path, flags: number) => {
      const now = [...flagsOf(path, FS_IOC_FSGETXATTR)];
      flagsOf(path, FS_IOC_FSSETXATTR, (words) => {
        words.set(now);
        words[0] = (now[0]! & ~FLAGS_SHARED) | flags;
      });
    },
    statfs: (path: Path) => {
      const out = find(path, true, (inode) => attributes.statfs(process, inode));
      const big = { bsize: BigInt(out.bsize), blocks: BigInt(out.blocks), bfree: BigInt(out.bfree) };
      return { type: FUSE_SUPER_MAGIC, ...big, files: BigInt(out.files), ffree: BigInt(out.ffree) };
    },
  };

  const nameOperations = {
    mkdir: (path: Path, mode = 0o777) => names.mkdir(process, at(path), mode),
    rmdir: (path: Path) => names.rmdir(process, at(path)),
    unlink: (path: Path) => names.unlink(process, at(path)),
    mknod: (path: Path, mode: number, major = 0, minor = 0) =>
      names.mknod(process, at(path), mode, major, minor),
    symlink: (target: string, path: Path) => names.symlink(process, target, at(path)),
    readlink: (path: Path) => names.readlink(process, at(path)),
    link: (existing: Path, path: Path) => names.link(process, at(existing), at(path)),
    linkDescriptor: (fd: number, path: Path) => names.linkDescriptor(process, fd, at(path)),
    rename: (from: Path, to: Path, flags = 0) => names.rename(process, at(from), at(to), flags),
    names: (path: Path) => listed(path).map(({ name }) => name),
    readdir: (path: Path) => listed(path),
    getdents: (fd: number, room: number) => getdents(process, fd, room),
    exists: (path: Path) => {
      try {
        find(path, false, () => undefined);
        return true;
      } catch (error) {
        if (isErrno(error, ENOENT)) return false;
        throw error;
      }
    },
    run: (program: string, ...args: string[]) =>
      runProgram({ ...attributeOperations, ...nameOperations }, program, args) ?? unsupported(program),
    readTree: () => readMountTree({ ...attributeOperations, ...nameOperations, ...files }),
  };

  return {
    ...files,
    ...attributeOperations,
    ...nameOperations,
    umask: (mask: number) => {
      const old = process.umask;
      process.umask = mask;
      return old;
    },
    chdir: (path: Path) => {
      const { path: text } = at(path);
      find(path, true, (inode) => {
        if (!inode.isDirectory) throw fsError(ENOTDIR, 'chdir');
        assertMay(process.kernel, process.who, inode, MAY_EXEC);
        process.changeDirectory(inode, text);
      });
    },
    cwd: () => {
      if (process.cwd.isDead) throw fsError(ENOENT, 'getcwd');
      return `${process.mountpoint}/${process.cwdPath}`.replace(/\/$/, '');
    },
  };
}
