/**
 * `cp - CONTAINER:DIRECTORY`: the entries of a tar, made below a directory of a mounted tree.
 *
 * Names lie below the directory, absolute ones too; one that leads out of it is refused. The directories on the way to an
 * entry are resolved inside the container's root, as all paths of `cp` are.
 */

import type { EntryType, TarEntry } from '../../archive/tar/entry.js';
import { partsInside } from '../../archive/tar/parts-inside.js';
import type { TarSink } from '../../archive/tar/reader.js';
import { EEXIST, ENOTDIR } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFREG,
} from '../../linux/constants.js';
import { pwrite } from '../../linux/files/data.js';
import { linkat, mkdirat, mknodat, symlinkat } from '../../linux/files/directory.js';
import { fchmod, ftruncate } from '../../linux/files/inode.js';
import { close, openat } from '../../linux/files/open.js';
import { setxattrAt } from '../../linux/files/xattr.js';
import { setAttributes, settleRefusal } from '../../realfs/tree-copy/attributes.js';
import { makeDirectory, makeFile, makeRoom } from '../../realfs/tree-copy/object.js';
import type { CopyPolicy } from '../../realfs/tree-copy/policy.js';
import { deleteTree } from '../../store/delete-tree.js';
import { displayName, type Name, nameFromText, textFromName } from '../../vfs/name.js';
import type { FileTree } from './copy-target.js';

const TYPES: Readonly<Record<EntryType, number>> = {
  file: S_IFREG,
  link: S_IFREG,
  symlink: S_IFLNK,
  character: S_IFCHR,
  block: S_IFBLK,
  directory: S_IFDIR,
  fifo: S_IFIFO,
};

const PARENT_MODE = 0o755;

interface TarRules {
  readonly keepsXattrs: boolean;
  /** A directory that meets something else, or the reverse: `refuse` it (cp), or `replace` what is there (ADD, tar). */
  readonly conflicts: 'refuse' | 'replace';
}

export class TarTarget implements TarSink {
  readonly #tree: FileTree;
  readonly #root: Name;
  readonly #policy: CopyPolicy;
  readonly #keepsXattrs: boolean;
  readonly #conflicts: TarRules['conflicts'];
  #file:
    | { readonly entry: TarEntry; readonly parentFd: number; readonly name: Name; readonly fd: number }
    | undefined;
  /** Times of directories change while things are put into them. */
  readonly #directories: { readonly path: Name; readonly entry: TarEntry }[] = [];

  constructor(tree: FileTree, directory: string, policy: CopyPolicy, { keepsXattrs, conflicts }: TarRules) {
    this.#tree = tree;
    this.#root = nameFromText(directory);
    this.#policy = policy;
    this.#keepsXattrs = keepsXattrs;
    this.#conflicts = conflicts;
  }

  entry(entry: TarEntry): void {
    const parts = this.#partsOf(entry.name);
    const name = parts.pop();
    // `./` is the directory itself, which stays as it is.
    if (name === undefined) return;
    const parentFd = this.#openParent(parts);
    let isKept = false;
    try {
      isKept = this.#make(entry, parentFd, name, [...parts, name].join('/'));
    } finally {
      if (!isKept) close(parentFd);
    }
  }

  data(bytes: Buffer, offset: number): void {
    const { fd, name } = this.#file ?? {};
    if (fd === undefined) return;
    for (let done = 0; done < bytes.length; ) {
      done += check(pwrite(fd, bytes.subarray(done), offset + done), 'write', displayName(name ?? ''));
    }
  }

  end(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    check(ftruncate(file.fd, file.entry.sizeBytes), 'truncate', displayName(file.name));
    close(file.fd);
    this.#finish(file.parentFd, file.name, file.entry);
    close(file.parentFd);
  }

  /** After the last entry. */
  finish(): void {
    for (const { path, entry } of this.#directories.toReversed()) {
      const fd = check(
        this.#tree.open(`${this.#root}/${path}`, O_RDONLY | O_DIRECTORY),
        'open',
        displayName(path),
      );
      this.#finish(fd, '', entry);
      close(fd);
    }
  }

  /** @returns whether the parent stays open, for a file's data. */
  #make(entry: TarEntry, parentFd: number, name: Name, path: Name): boolean {
    const shown = displayName(path);
    if (this.#conflicts === 'replace') this.#makeRoom(parentFd, name, entry.type);
    if (entry.type === 'directory') {
      close(makeDirectory({ dirfd: parentFd, name }, this.#policy));
      this.#directories.push({ path, entry });
      return false;
    }
    if (entry.type === 'file') {
      this.#file = { entry, parentFd, name, fd: makeFile({ dirfd: parentFd, name }, this.#policy) };
      return true;
    }
    if (makeRoom({ dirfd: parentFd, name })) {
      throw new UserError(`cannot overwrite '${shown}': something is mounted there`);
    }
    if (entry.type === 'link') {
      this.#link(entry, parentFd, name);
      return false;
    }
    if (entry.type === 'symlink') check(symlinkat(entry.linkName, parentFd, name), 'symlink', shown);
    else check(mknodat(parentFd, name, TYPES[entry.type] | 0o600, entry.major, entry.minor), 'mknod', shown);
    this.#finish(parentFd, name, entry);
    return false;
  }

  /** A symlink to a directory is none: what tar has in its place is what comes. */
  #makeRoom(parentFd: number, name: Name, type: EntryType): void {
    const fd = openat(parentFd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (fd >= 0) close(fd);
    if (fd >= 0 && type !== 'directory') deleteTree(`/proc/self/fd/${parentFd}/${textFromName(name)}`);
    if (fd === -ENOTDIR && type === 'directory') makeRoom({ dirfd: parentFd, name });
  }

  #link(entry: TarEntry, parentFd: number, name: Name): void {
    const parts = this.#partsOf(entry.linkName);
    const first = parts.pop() ?? '';
    const firstFd = this.#openParent(parts);
    const linked = linkat(firstFd, first, parentFd, name, 0);
    close(firstFd);
    check(linked, 'link', displayName(entry.name));
  }

  #finish(fd: number, name: Name, entry: TarEntry): void {
    setAttributes({ dirfd: fd, name }, { ...entry, type: TYPES[entry.type] }, this.#policy);
    if (!this.#keepsXattrs) return;
    for (const [attribute, value] of entry.xattrs ?? []) {
      const result = setxattrAt(fd, name, attribute, value, 0);
      const path = displayName(entry.name);
      if (result < 0) settleRefusal(this.#policy, { call: 'setxattr', result, path, attribute });
    }
  }

  #partsOf(path: Name): Name[] {
    const parts = partsInside(path);
    if (parts !== undefined) return parts;
    throw new UserError(`invalid tar: the name '${displayName(path)}' leads out of the directory`);
  }

  /** Makes what is missing on the way. */
  #openParent(parts: readonly Name[]): number {
    let path = this.#root;
    let fd = check(this.#tree.open(path, O_RDONLY | O_DIRECTORY), 'open', displayName(path));
    for (const part of parts) {
      path = `${path}/${part}`;
      const made = mkdirat(fd, part, PARENT_MODE);
      if (made < 0 && made !== -EEXIST) check(made, 'mkdir', displayName(path));
      if (made >= 0) setParentMode(fd, part);
      close(fd);
      fd = check(this.#tree.open(path, O_RDONLY | O_DIRECTORY), 'open', displayName(path));
    }
    return fd;
  }
}

function setParentMode(parentFd: number, name: Name): void {
  const fd = check(openat(parentFd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 'open', displayName(name));
  check(fchmod(fd, PARENT_MODE), 'chmod', displayName(name));
  close(fd);
}
