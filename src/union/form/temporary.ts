/**
 * An object under construction, which nobody sees until it gets its name.
 *
 * A regular file is one without a name (O_TMPFILE): a crash leaves nothing to clean up, and its attributes are set
 * through the descriptor. It is made in the work directory: in the one where it will lie it would get the group and the
 * default ACL of that. Everything else, and files where that is not supported, lies in the work directory until renamed.
 */

import { EINVAL, EISDIR, EOPNOTSUPP } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import {
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  O_TMPFILE,
} from '../../linux/constants.js';
import { linkat, renameat2 } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import { descriptorPath } from '../../realfs/real-object.js';
import type { Name } from '../../vfs/name.js';
import type { WorkDirectory } from './work-directory.js';

export class Temporary {
  /** Directory and name by which it is reached; name '' means that `dirfd` is the object's own. */
  readonly dirfd: number;
  readonly name: Name;
  readonly #work: WorkDirectory;
  #hasItsName = false;

  private constructor(work: WorkDirectory, dirfd: number, name: Name) {
    this.#work = work;
    this.dirfd = dirfd;
    this.name = name;
  }

  /** An object made under a name in the work directory. */
  static inWork(work: WorkDirectory, name: Name): Temporary {
    return new Temporary(work, work.fd, name);
  }

  /** An empty regular file. @returns it, and a descriptor open for reading and writing, for `closeFile()`. */
  static file(work: WorkDirectory): { readonly temporary: Temporary; readonly fd: number } {
    const unnamed = openat(work.fd, '.', O_TMPFILE | O_RDWR, 0o600);
    if (unnamed >= 0) return { temporary: new Temporary(work, unnamed, ''), fd: unnamed };
    if (unnamed !== -EOPNOTSUPP && unnamed !== -EISDIR && unnamed !== -EINVAL) check(unnamed, 'tmpfile');
    const name = work.temporaryName();
    const fd = check(openat(work.fd, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0o600), 'create', name);
    return { temporary: Temporary.inWork(work, name), fd };
  }

  /** What was to be written to a file is written. A file without a name is open until it has one, or is dropped. */
  closeFile(fd: number): void {
    if (fd !== this.dirfd) close(fd);
  }

  /** Gives it its name, which must be free. @returns 0, or a negated errno. */
  publish(dirfd: number, name: Name): number {
    const result =
      this.name === ''
        ? linkat(AT_FDCWD, descriptorPath(this.dirfd), dirfd, name, AT_SYMLINK_FOLLOW)
        : renameat2(this.dirfd, this.name, dirfd, name, 0);
    this.#hasItsName = result === 0;
    if (this.#hasItsName && this.name === '') close(this.dirfd);
    return result;
  }

  /** Takes it without a name. @returns a descriptor of it, which keeps it. */
  unnamed(): number {
    if (this.name === '') return this.dirfd;
    const fd = check(openat(this.dirfd, this.name, O_PATH | O_NOFOLLOW), 'open', this.name);
    this.#work.remove(this.name);
    return fd;
  }

  /** Drops it, unless it has its name. */
  discard(): void {
    if (this.#hasItsName) return;
    if (this.name === '') close(this.dirfd);
    else this.#work.remove(this.name);
  }
}
