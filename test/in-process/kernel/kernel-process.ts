/** A process in the mount: who it is, its umask, working directory and descriptor table. */

import { closeSync } from 'node:fs';
import { EBADF } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import { O_ACCMODE, O_RDONLY } from '../../../src/linux/constants.js';
import type { Dirent } from '../../helpers/operations/name-operations.js';
import type { Inode } from './inode-cache.js';
import type { Credentials, Kernel } from './kernel.js';

/** Descriptors below are the host's. */
export const FIRST_FD = 1_000_000;

/** An open file description. */
export interface Description {
  readonly inode: Inode;
  readonly flags: number;
  /** As the file system answered the open; undefined of a directory, and with O_PATH. */
  readonly handle: number | undefined;
  /** Descriptor of the backing file; -1: reads and writes go to the file system. */
  readonly backing: number;
  readonly noFlush: boolean;
  /** Whether a file without a name may get one (O_TMPFILE). */
  readonly isLinkable: boolean;
  offset: number;
  /** Entries of a directory that were read and not handed out. */
  readonly waiting: Dirent[];
}

const DEFAULT_UMASK = 0o022;
let lastFd = FIRST_FD;

export class Process {
  readonly kernel: Kernel;
  readonly mountpoint: string;
  who: Credentials;
  umask = DEFAULT_UMASK;
  cwd: Inode;
  /** Path of `cwd` below the mount. */
  cwdPath = '';
  readonly #table = new Map<number, Description>();

  constructor(kernel: Kernel, mountpoint: string, who: Credentials) {
    this.kernel = kernel;
    this.mountpoint = mountpoint;
    this.who = who;
    this.cwd = kernel.cache.root;
  }

  /** The rest of an absolute path that leads into the mount; undefined of another. */
  insideMount(path: string): string | undefined {
    if (path === this.mountpoint) return '';
    return path.startsWith(`${this.mountpoint}/`) ? path.slice(this.mountpoint.length + 1) : undefined;
  }

  install(description: Description): number {
    description.inode.opens++;
    if (isWriter(description)) description.inode.writers++;
    this.#table.set(++lastFd, description);
    return lastFd;
  }

  /** @throws EBADF */
  description(fd: number): Description {
    const found = this.#table.get(fd);
    if (found === undefined) throw fsError(EBADF, 'descriptor', String(fd));
    return found;
  }

  close(fd: number): void {
    const description = this.description(fd);
    this.#table.delete(fd);
    const { inode, handle, backing, noFlush } = description;
    const { kernel, who } = this;
    try {
      if (handle !== undefined && !noFlush) kernel.request(who, (fs) => fs.flush(inode.node, handle));
    } finally {
      if (backing >= 0) closeSync(backing);
      if (handle !== undefined) kernel.request(who, (fs) => fs.release(inode.node, handle));
      inode.opens--;
      if (isWriter(description)) inode.writers--;
      inode.invalidate();
      kernel.cache.release(inode);
    }
  }

  changeDirectory(inode: Inode, path: string): void {
    inode.opens++;
    this.cwd.opens--;
    this.kernel.cache.release(this.cwd);
    this.cwd = inode;
    this.cwdPath = path;
  }

  /** As a process that ends, and begins anew. */
  reset(): void {
    for (const fd of [...this.#table.keys()]) this.close(fd);
    this.umask = DEFAULT_UMASK;
    if (this.cwd !== this.kernel.cache.root) this.changeDirectory(this.kernel.cache.root, '');
  }
}

function isWriter({ flags, handle }: Description): boolean {
  return handle !== undefined && (flags & O_ACCMODE) !== O_RDONLY;
}
