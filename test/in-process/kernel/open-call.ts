/** open(2): O_* as fs/namei.c:do_open(), lookup_open() and fs/fuse/dir.c:fuse_atomic_open() v6.18 have them. */

import { EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EPERM } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
} from '../../../src/linux/constants.js';
import { Entry, Opened } from '../../../src/vfs/attr.js';
import { Creation, NewFile, OpenIntent } from '../../../src/vfs/file-system.js';
import type { Inode } from './inode-cache.js';
import type { Description, Process } from './kernel-process.js';
import { type Found, isSymlink, type PathFrom, resolve, retried, walk } from './path-walk.js';
import { assertMay, assertMayCreate, assertOwner, MAY_READ, MAY_WRITE, newMode } from './permission.js';

const TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY;

export function openPath(process: Process, at: PathFrom, flags: number, mode: number): number {
  return retried((fresh) => process.install(open(process, at, { flags, mode, fresh })));
}

interface How {
  readonly flags: number;
  readonly mode: number;
  readonly fresh: boolean;
}

function open(process: Process, at: PathFrom, how: How): Description {
  const { flags, fresh } = how;
  if ((flags & TMPFILE_BIT) !== 0) return openUnnamed(process, at, how);
  if ((flags & O_CREAT) !== 0 && (flags & O_DIRECTORY) !== 0) throw fsError(EINVAL, 'open');
  const creates = (flags & O_CREAT) !== 0 && (flags & O_PATH) === 0;
  const follow = (flags & O_NOFOLLOW) === 0 && !(creates && (flags & O_EXCL) !== 0);
  const found = walk(process, at, { follow }, fresh);
  if (found.inode === undefined) {
    if (!creates) throw fsError(ENOENT, 'open', at.path);
    if (found.wantsDirectory) throw fsError(EISDIR, 'open', at.path);
    return create(process, found, how);
  }
  if (creates) {
    if ((flags & O_EXCL) !== 0) throw fsError(EEXIST, 'open', at.path);
    if (found.inode.isDirectory) throw fsError(EISDIR, 'open', at.path);
  }
  if (found.wantsDirectory && !found.inode.isDirectory) throw fsError(ENOTDIR, 'open', at.path);
  return openInode(process, found.inode, flags);
}

/** An inode that exists. */
export function openInode(process: Process, inode: Inode, flags: number): Description {
  const { kernel, who } = process;
  if ((flags & O_DIRECTORY) !== 0 && !inode.isDirectory) throw fsError(ENOTDIR, 'open');
  if ((flags & O_PATH) !== 0) return describe({ inode, flags });
  if (isSymlink(inode)) throw fsError(ELOOP, 'open');
  const access = flags & O_ACCMODE;
  const truncates = (flags & O_TRUNC) !== 0;
  if (inode.isDirectory && (access !== O_RDONLY || truncates)) throw fsError(EISDIR, 'open');
  const reads = access !== O_WRONLY ? MAY_READ : 0;
  const writes = access !== O_RDONLY || truncates ? MAY_WRITE : 0;
  assertMay(kernel, who, inode, reads | writes);
  if ((flags & O_NOATIME) !== 0) assertOwner(kernel, who, inode);
  if (inode.isDirectory) return describe({ inode, flags });
  const type = inode.attr.mode & S_IFMT;
  if (type !== S_IFREG) return openSpecial(inode, flags, type);
  return openFile(process, inode, flags);
}

/** Opens of fifos never come to the file system. */
function openSpecial(inode: Inode, flags: number, type: number): Description {
  if (type !== S_IFIFO) throw fsError(ENXIO, 'open');
  if ((flags & O_NONBLOCK) === 0 && (flags & O_ACCMODE) !== O_RDWR)
    throw new Error('this open of a fifo waits');
  if ((flags & O_ACCMODE) === O_WRONLY) throw fsError(ENXIO, 'open');
  return describe({ inode, flags });
}

function openFile(process: Process, inode: Inode, flags: number): Description {
  const { kernel, who } = process;
  const intent = new OpenIntent();
  intent.pid = who.pid;
  intent.flags = flags & ~(O_CREAT | O_EXCL);
  intent.killPriv = (flags & O_TRUNC) !== 0 && who.uid !== 0;
  const opened = new Opened();
  kernel.request(who, (fs) => {
    opened.reset();
    fs.open(inode.node, intent, opened);
  });
  if ((flags & O_TRUNC) !== 0) inode.invalidate();
  return describeOpened(process, { inode, flags, opened });
}

function create(process: Process, { parent, name }: Found, { flags, mode }: How): Description {
  const { kernel, who } = process;
  assertMayCreate(kernel, who, parent);
  const bits = newMode(kernel, who, parent, mode & 0o7777);
  const target = new NewFile(new Entry(), kernel.session.caller, new Opened());
  const creation = new Creation();
  kernel.request(who, (fs) => {
    creation.mode = S_IFREG | bits;
    creation.umask = process.umask;
    creation.flags = flags;
    target.opened.reset();
    fs.create(parent.node, name, creation, target);
  });
  parent.invalidate();
  const inode = kernel.cache.enter(parent, name, target.entry);
  return describeOpened(process, { inode, flags, opened: target.opened });
}

function openUnnamed(process: Process, at: PathFrom, { flags, mode, fresh }: How): Description {
  const { kernel, who } = process;
  if ((flags & O_ACCMODE) === O_RDONLY) throw fsError(EINVAL, 'open');
  const directory = resolve(process, at, { follow: true }, fresh);
  if (!directory.isDirectory) throw fsError(ENOTDIR, 'open');
  assertMayCreate(kernel, who, directory);
  const target = new NewFile(new Entry(), kernel.session.caller, new Opened());
  const creation = new Creation();
  kernel.request(who, (fs) => {
    creation.mode = S_IFREG | (mode & 0o7777);
    creation.umask = process.umask;
    creation.flags = flags;
    target.opened.reset();
    fs.tmpfile(directory.node, creation, target);
  });
  const inode = kernel.cache.adopt(target.entry);
  const isLinkable = (flags & O_EXCL) === 0;
  return { ...describeOpened(process, { inode, flags, opened: target.opened }), isLinkable };
}

function describeOpened(
  process: Process,
  made: { readonly inode: Inode; readonly flags: number; readonly opened: Opened },
): Description {
  const { inode, flags, opened } = made;
  const { session } = process.kernel;
  // With direct I/O the kernel leaves reads and writes to the server, backing file or not.
  const isBacked = opened.backingId !== 0 && !opened.directIo;
  const backing = isBacked ? session.openBackingFile(opened.backingId, flags) : -1;
  return describe({ inode, flags, handle: opened.handle, backing, noFlush: opened.noFlush });
}

function describe(
  known: Pick<Description, 'inode' | 'flags'> & Partial<Omit<Description, 'inode' | 'flags'>>,
): Description {
  return {
    handle: undefined,
    backing: -1,
    noFlush: true,
    isLinkable: false,
    offset: 0,
    waiting: [],
    ...known,
  };
}

/** Opens through /proc/self/fd: the inode, by no name. */
export function reopen(process: Process, fd: number, flags: number): number {
  const { inode } = process.description(fd);
  if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) throw fsError(EEXIST, 'open');
  if ((flags & O_NOFOLLOW) !== 0) throw fsError((flags & O_PATH) !== 0 ? EPERM : ELOOP, 'open');
  return process.install(openInode(process, inode, flags));
}
