/**
 * The work directory: where everything is built before it is renamed into upper.
 *
 * It is `work` inside the workdir that the user gave, as kernel overlayfs has it (fs/overlayfs/super.c:ovl_make_workdir()
 * v6.18), on the same mount as upper, and emptied at each start: what lies in it belongs to a change that never
 * happened.
 * INVARIANT: once the mount's name may be gone, only what has a name of this session is removed. umount(2) waits for no
 * daemon, so that another overlay may use upper and work by then, and builds here.
 */

import { randomBytes } from 'node:crypto';

import { EEXIST, EMLINK, ENODATA, ENOENT, ENOTEMPTY, EOPNOTSUPP, EPERM } from '../errno/errno.js';
import { check, fsError } from '../errno/fs-error.js';
import { chmodAt } from '../files/real-object.js';
import {
  AT_REMOVEDIR,
  DT_DIR,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  S_IFCHR,
  SEEK_SET,
} from '../linux/constants.js';
import { lseek } from '../linux/data.js';
import { forEachDirent, getdents64, linkat, mkdirat, mknodat, unlinkat } from '../linux/directory.js';
import { close, openat } from '../linux/open.js';
import { removexattrAt, setxattrAt } from '../linux/xattr.js';
import type { Name } from '../vfs/name.js';

const YES = Buffer.from('y');

export class WorkDirectory {
  /** Of `workdir/work`. */
  readonly fd: number;
  readonly #parentFd: number;
  /** No other session, no other program has names that begin so. */
  readonly #prefix = `#${randomBytes(8).toString('hex')}.`;
  #counter = 0;
  readonly #whiteoutAttribute: Name;
  #whiteout: Name | undefined;
  /** Whiteouts are files with an attribute, since the file system refuses the device: see whiteout.ts. */
  xattrWhiteouts = false;

  /**
   * @param workdirFd the directory given as workdir; owned by the object from now on.
   * @param options `whiteoutAttribute` makes an empty file a whiteout; `mode` is that of the directory.
   * @throws FsError when it cannot be written.
   */
  constructor(
    workdirFd: number,
    { whiteoutAttribute, mode }: { readonly whiteoutAttribute: Name; readonly mode: number },
  ) {
    this.#parentFd = workdirFd;
    this.#whiteoutAttribute = whiteoutAttribute;
    const made = mkdirat(workdirFd, 'work', 0o700);
    if (made !== -EEXIST) check(made, 'mkdir', 'work');
    this.fd = check(openat(workdirFd, 'work', O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 'open', 'work');
    closeToOthers(this.fd, mode);
    removeContent(this.fd);
  }

  /** A name that nothing in the directory has, whoever else uses it. */
  temporaryName(): Name {
    return this.#prefix + (this.#counter++).toString(16);
  }

  /**
   * Makes a whiteout at a name that must not exist: a link to one shared inode, since a link costs no inode.
   * fs/overlayfs/dir.c:ovl_whiteout() v6.18.
   */
  linkWhiteout(dirfd: number, name: Name): number {
    const linked = linkat(this.fd, this.prepareWhiteout(), dirfd, name, 0);
    if (linked !== -EMLINK) return linked;
    unlinkat(this.fd, this.#whiteout!, 0);
    this.#whiteout = undefined;
    return linkat(this.fd, this.prepareWhiteout(), dirfd, name, 0);
  }

  /** Makes the shared inode where there is none; `xattrWhiteouts` then says of which form it is. */
  prepareWhiteout(): Name {
    if (this.#whiteout !== undefined) return this.#whiteout;
    const shared = this.temporaryName();
    const made = this.xattrWhiteouts ? -EPERM : mknodat(this.fd, shared, S_IFCHR, 0, 0);
    if (made === -EPERM || made === -EOPNOTSUPP) this.#makeXattrWhiteout(shared);
    else check(made, 'mknod', 'whiteout');
    this.#whiteout = shared;
    return shared;
  }

  #makeXattrWhiteout(name: Name): void {
    close(
      check(openat(this.fd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600), 'create', 'whiteout'),
    );
    check(setxattrAt(this.fd, name, this.#whiteoutAttribute, YES, 0), 'setxattr', 'whiteout');
    this.xattrWhiteouts = true;
  }

  /** A whiteout in the work directory, to be renamed to its place. */
  temporaryWhiteout(): Name {
    const name = this.temporaryName();
    check(this.linkWhiteout(this.fd, name), 'link', 'whiteout');
    return name;
  }

  /** Removes something built or moved here, with all that is in it. */
  remove(name: Name): void {
    removeTree(this.fd, name);
  }

  /** Takes away what this session has left in it. */
  close(): void {
    removeContent(this.fd, (name) => name.startsWith(this.#prefix));
    close(this.fd);
    close(this.#parentFd);
  }
}

/** A directory of ours in the workdir inherits nothing of it: ACLs, and what a default one made of the mode. */
export function closeToOthers(fd: number, mode: number): void {
  for (const acl of ['system.posix_acl_default', 'system.posix_acl_access']) {
    const removed = removexattrAt(fd, '', acl);
    if (removed !== -ENODATA && removed !== -EOPNOTSUPP) check(removed, 'removexattr', acl);
  }
  chmodAt(fd, '', mode);
}

/** Removes a file, or a directory with all that is in it; what is missing is no error. */
function removeTree(dirfd: number, name: Name): void {
  const unlinked = unlinkat(dirfd, name, 0);
  if (unlinked === 0 || unlinked === -ENOENT) return;
  if (unlinkat(dirfd, name, AT_REMOVEDIR) === 0) return;
  const fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd === -ENOENT) return;
  check(fd, 'open', name);
  try {
    removeContent(fd);
  } finally {
    close(fd);
  }
  const removed = unlinkat(dirfd, name, AT_REMOVEDIR);
  if (removed === -ENOTEMPTY) throw fsError(ENOTEMPTY, 'rmdir', name);
  if (removed !== -ENOENT) check(removed, 'rmdir', name);
}

/** Removes what is in a directory, open for reading; what goes meanwhile, the directory itself too, is no error. */
export function removeContent(fd: number, isToGo: (name: Name) => boolean = () => true): void {
  // It may have been read before, to its end.
  check(lseek(fd, 0, SEEK_SET), 'lseek');
  const buffer = Buffer.allocUnsafe(32 * 1024);
  const names: { name: Name; type: number }[] = [];
  for (;;) {
    const length = getdents64(fd, buffer);
    // It was removed itself.
    if (length === 0 || length === -ENOENT) break;
    forEachDirent(buffer, check(length, 'getdents64'), (name, _ino, type) => {
      if (name !== '.' && name !== '..' && isToGo(name)) names.push({ name, type });
    });
  }
  for (const { name, type } of names) {
    if (type === DT_DIR) removeTree(fd, name);
    else unlinkIfThere(fd, name);
  }
}

function unlinkIfThere(dirfd: number, name: Name): void {
  const unlinked = unlinkat(dirfd, name, 0);
  if (unlinked !== -ENOENT) check(unlinked, 'unlink', name);
}
