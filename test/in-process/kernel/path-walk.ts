/** Paths to inodes: names, symlinks, `..`, trailing slashes. Linux: fs/namei.c:link_path_walk() v6.18, path_resolution(7). */

import { existsSync } from 'node:fs';
import { EINVAL, ELOOP, ENOENT, ENOTDIR, ESTALE } from '../../../src/errno/errno.js';
import { fsError, isErrno } from '../../../src/errno/fs-error.js';
import { S_IFLNK, S_IFMT } from '../../../src/linux/constants.js';
import type { Name } from '../../../src/vfs/name.js';
import type { Inode } from './inode-cache.js';
import type { Kernel } from './kernel.js';
import type { Process } from './kernel-process.js';
import { assertMay, MAY_EXEC } from './permission.js';

const MOST_LINKS = 40;

/** Where a path leads: the name in its directory, and what is there. */
export interface Found {
  readonly parent: Inode;
  /** '.', '..' and '' are possible. */
  readonly name: Name;
  readonly inode: Inode | undefined;
  /** The path ends with a slash: it must be a directory. */
  readonly wantsDirectory: boolean;
}

interface WalkOptions {
  readonly follow: boolean;
}

/** A path in the mount: from an inode on. */
export interface PathFrom {
  readonly start: Inode;
  /** Latin1, relative to `start`; '' is that itself. */
  readonly path: string;
}

/** Runs what uses names; once more, with nothing believed, where they led to something that is gone (ESTALE). */
export function retried<T>(run: (fresh: boolean) => T): T {
  try {
    return run(false);
  } catch (error) {
    if (!isErrno(error, ESTALE)) throw error;
    return run(true);
  }
}

export function walk(process: Process, at: PathFrom, { follow }: WalkOptions, fresh = false): Found {
  return new Walk(process, fresh).from(at.start, at.path, follow);
}

/** The inode that a path leads to. @throws ENOENT */
export function resolve(process: Process, at: PathFrom, options: WalkOptions, fresh = false): Inode {
  const { inode, wantsDirectory } = walk(process, at, options, fresh);
  if (inode === undefined) throw fsError(ENOENT, 'walk', at.path);
  if (wantsDirectory && !inode.isDirectory) throw fsError(ENOTDIR, 'walk', at.path);
  return inode;
}

class Walk {
  readonly #kernel: Kernel;
  readonly #process: Process;
  readonly #fresh: boolean;
  #links = 0;

  constructor(process: Process, fresh: boolean) {
    this.#kernel = process.kernel;
    this.#process = process;
    this.#fresh = fresh;
  }

  from(start: Inode, path: string, follow: boolean): Found {
    if (path.startsWith('/')) return this.#absolute(path, follow);
    const names = path.split('/').filter((name) => name !== '');
    const wantsDirectory = path.endsWith('/') || path.endsWith('/.');
    let parent = start;
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      if (!parent.isDirectory) throw fsError(ENOTDIR, 'walk', path);
      assertMay(this.#kernel, this.#process.who, parent, MAY_EXEC);
      const inode = this.#step(parent, name);
      if (inode !== undefined && isSymlink(inode) && (!isLast || follow || wantsDirectory)) {
        const led = this.#follow(parent, inode, isLast ? follow || wantsDirectory : true);
        if (isLast) return { ...led, wantsDirectory: led.wantsDirectory || wantsDirectory };
        if (led.inode === undefined) throw fsError(ENOENT, 'walk', path);
        parent = led.inode;
        continue;
      }
      if (isLast) return { parent, name, inode, wantsDirectory };
      if (inode === undefined) throw fsError(ENOENT, 'walk', path);
      parent = inode;
    }
    return { parent: start, name: '', inode: start, wantsDirectory };
  }

  #step(parent: Inode, name: Name): Inode | undefined {
    if (name === '.') return parent;
    if (name === '..') return this.#above(parent);
    return this.#kernel.cache.lookup(this.#process.who, parent, name, this.#fresh);
  }

  #above(inode: Inode): Inode {
    if (inode === this.#kernel.cache.root) throw new Error('a path leaves the mount');
    const above = inode.dentry?.parent;
    if (above === undefined) throw fsError(ENOENT, 'walk', '..');
    return above;
  }

  #follow(parent: Inode, link: Inode, follow: boolean): Found {
    if (++this.#links > MOST_LINKS) throw fsError(ELOOP, 'walk');
    const content = this.#kernel.request(this.#process.who, (fs) => fs.readlink(link.node));
    link.invalidate();
    if (content === '') throw fsError(ENOENT, 'readlink');
    return this.from(parent, content, follow);
  }

  #absolute(path: string, follow: boolean): Found {
    const inside = this.#process.insideMount(path);
    if (inside === undefined) {
      if (!existsSync(path)) throw fsError(ENOENT, 'walk', path);
      throw fsError(EINVAL, 'walk out of the mount', path);
    }
    return this.from(this.#kernel.cache.root, inside, follow);
  }
}

export function isSymlink(inode: Inode): boolean {
  return (inode.attr.mode & S_IFMT) === S_IFLNK;
}
