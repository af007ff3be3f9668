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

import { EEXIST, EINVAL, EMLINK, ENODATA, EOPNOTSUPP, EPERM } from '../../errno/errno.js';
import { check, FsError, fsError } from '../../errno/fs-error.js';
import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  S_IFCHR,
} from '../../linux/constants.js';
import { linkat, mkdirat, mknodat, unlinkat } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import { removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import { chmodAt } from '../../realfs/real-object.js';
import { removeBelow, removeContent } from '../../realfs/remove-below.js';
import type { Name } from '../../vfs/name.js';
import { INCOMPATIBLE, incompatibleFeature, markVolatile } from './volatile-mark.js';

const YES = Buffer.from('y');

interface WorkOptions {
  readonly whiteoutAttribute: Name;
  readonly mode: number;
  readonly marksVolatile: boolean;
}

export class WorkDirectory {
  /** The descriptor of `workdir/work`. */
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
   * @param options `whiteoutAttribute` makes an empty file a whiteout; `mode` is that of the directory; `marksVolatile` leaves the mark
   *   of a volatile mount there.
   * @throws FsError when it cannot be written, EINVAL where an earlier mount left word that upper is not to be used.
   */
  constructor(workdirFd: number, { whiteoutAttribute, mode, marksVolatile }: WorkOptions) {
    this.#parentFd = workdirFd;
    this.#whiteoutAttribute = whiteoutAttribute;
    const made = mkdirat(workdirFd, 'work', 0o700);
    if (made !== -EEXIST) check(made, 'mkdir', 'work');
    this.fd = check(openat(workdirFd, 'work', O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 'open', 'work');
    closeToOthers(this.fd, mode);
    const feature = incompatibleFeature(this.fd, { isVolatile: marksVolatile });
    if (feature !== undefined) throw fsError(EINVAL, 'mount', `${INCOMPATIBLE}/${feature}`);
    removeContent(this.fd, (name) => name !== INCOMPATIBLE);
    if (marksVolatile) markVolatile(this.fd);
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

  /** Removes something built or moved here, with all that is in it. What the disk does not let go stays until the mount ends. */
  remove(name: Name): void {
    try {
      removeBelow(this.fd, name);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
    }
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
