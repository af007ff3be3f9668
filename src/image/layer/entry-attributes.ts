/**
 * Owner, mode, extended attributes and times of what a layer holds.
 *
 * The order matters: a change of owner clears set-id bits and capabilities, so those come after it; times come last.
 * Without privileges everything belongs to who unpacks; capabilities and `trusted.*` are left out, and said once.
 */

import type { TarEntry } from '../../archive/tar/entry.js';
import { check } from '../../errno/fs-error.js';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from '../../linux/constants.js';
import { fchmod, fchownat, Times, utimensat } from '../../linux/files/inode.js';
import { fsetxattr, setxattrAt } from '../../linux/files/xattr.js';
import { copyXattrs } from '../../realfs/tree-copy/attributes.js';
import { isNotKept } from '../../realfs/tree-copy/policy.js';
import type { PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import type { Name } from '../../vfs/name.js';

/** What of an entry was left out, with how many entries it was. */
export type Notices = Map<string, number>;

export class AttributeWriter {
  readonly notices: Notices = new Map();
  readonly #mapsOwners: boolean;
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #gid = process.getegid?.() ?? 0;
  readonly #umask = process.umask();
  readonly #times = new Times();

  readonly #xattrs: PrivateXattrs;

  /**
   * @param keepsOwners CAP_CHOWN; without it everything belongs to who unpacks.
   * @param xattrs the union's own, whose names an entry's attributes are kept from.
   */
  constructor({ keepsOwners }: { readonly keepsOwners: boolean }, xattrs: PrivateXattrs) {
    this.#mapsOwners = !keepsOwners;
    this.#xattrs = xattrs;
  }

  /** Sets the attributes of an open file that was just created with the permission bits of `entry.mode`. */
  setNew(fd: number, entry: TarEntry): void {
    const isOwned = this.#own(fd, '', entry);
    const isMasked = (entry.mode & 0o777 & this.#umask) !== 0;
    if (isOwned || isMasked || entry.mode > 0o777) check(fchmod(fd, entry.mode), 'chmod', entry.name);
    this.#rest(fd, entry);
  }

  /** Sets the attributes of an open directory. */
  setDirectory(fd: number, entry: TarEntry): void {
    this.#own(fd, '', entry);
    check(fchmod(fd, entry.mode), 'chmod', entry.name);
    this.#rest(fd, entry);
  }

  /** Sets the attributes of a symlink, device or fifo, by name; `chmod` sets its mode. */
  setAt(dirfd: number, name: Name, entry: TarEntry, chmod: () => number): void {
    this.#own(dirfd, name, entry);
    check(chmod(), 'chmod', entry.name);
    for (const [attribute, value] of entry.xattrs ?? []) {
      const stored = this.#xattrs.stored(attribute);
      this.#judge(setxattrAt(dirfd, name, stored, value, 0), attribute, entry);
    }
    check(utimensat(dirfd, name, this.#timesOf(entry), AT_SYMLINK_NOFOLLOW), 'utimensat', entry.name);
  }

  /** Takes over what another directory has, overlayfs's own marks left out. */
  copyDirectory(fromFd: number, toFd: number, entry: TarEntry): void {
    this.#own(toFd, '', entry);
    check(fchmod(toFd, entry.mode), 'chmod', entry.name);
    copyXattrs(
      { dirfd: fromFd, name: '' },
      { dirfd: toFd, name: '' },
      {
        leavesOut: (attribute) => this.#xattrs.isPrivate(attribute),
        forgives: ({ result, attribute }) => this.#isLeftOut(result, attribute ?? ''),
      },
      entry.name,
    );
    check(utimensat(toFd, '', this.#timesOf(entry), AT_EMPTY_PATH), 'utimensat', entry.name);
  }

  /** @returns whether a chown was made. */
  #own(dirfd: number, name: Name, { uid, gid, name: shown }: TarEntry): boolean {
    if (uid === this.#uid && gid === this.#gid) return false;
    if (this.#mapsOwners) {
      this.notice('owners');
      return false;
    }
    const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
    check(fchownat(dirfd, name, uid, gid, flags), 'chown', shown);
    return true;
  }

  #rest(fd: number, entry: TarEntry): void {
    if (entry.xattrs !== undefined) {
      for (const [attribute, value] of entry.xattrs) {
        this.#judge(fsetxattr(fd, this.#xattrs.stored(attribute), value, 0), attribute, entry);
      }
    }
    check(utimensat(fd, '', this.#timesOf(entry), AT_EMPTY_PATH), 'utimensat', entry.name);
  }

  #judge(result: number, attribute: Name, entry: TarEntry): void {
    if (!this.#isLeftOut(result, attribute)) check(result, `setxattr ${attribute}`, entry.name);
  }

  /** What neither the file system nor our privileges allow is left out, and said; all else fails. */
  #isLeftOut(result: number, attribute: Name): boolean {
    const isLeftOut = isNotKept(result);
    if (isLeftOut) this.notice(`attribute '${attribute}'`);
    return isLeftOut;
  }

  notice(what: string): void {
    this.notices.set(what, (this.notices.get(what) ?? 0) + 1);
  }

  #timesOf(entry: TarEntry): Times {
    const times = this.#times;
    times.atimeSec = entry.mtimeSec;
    times.atimeNsec = entry.mtimeNsec;
    times.mtimeSec = entry.mtimeSec;
    times.mtimeNsec = entry.mtimeNsec;
    return times;
  }
}
