/**
 * Where objects of an area wait while it is changed, and afterwards, as long as the apply can be taken back: a directory on the same
 * mount, since only there a rename keeps an object what it is. In the store where that lies on it, else `.plyfs-ID` at the
 * top of the area.
 */

import { EEXIST, ENOENT, EXDEV } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  STATX_BASIC_STATS,
  STATX_MNT_ID,
} from '../../linux/constants.js';
import { mkdirat, renameat2, unlinkat } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import { fstatx, Statx, statx } from '../../linux/files/statx.js';
import { removeContent } from '../../realfs/remove-below.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import type { BeneathTree } from '../changes/beneath-tree.js';

const RENAME_NOREPLACE = 1;

/** What lies in the place of a stage belongs to another user. */
export class ForeignStage extends UserError {}

export class ApplyStage implements Disposable {
  readonly fd: number;
  readonly #host: BeneathTree;
  /** Its name at the top of the area; undefined: it lies in the store. */
  readonly #ownName: Name | undefined;

  /** @param folder in the store, for this area, and there. @throws FsError, ForeignStage */
  constructor(host: BeneathTree, folder: string, id: string) {
    this.#host = host;
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    const inStore = check(openat(AT_FDCWD, nameFromText(folder), flags), 'open', folder);
    if (mountOf(inStore) === mountOf(host.fd)) {
      this.fd = inStore;
      return;
    }
    close(inStore);
    this.#ownName = `.plyfs-${id}`;
    const made = mkdirat(host.fd, this.#ownName, 0o700);
    if (made !== -EEXIST) check(made, 'mkdir', host.shown(this.#ownName));
    this.fd = check(openat(host.fd, this.#ownName, flags), 'open', host.shown(this.#ownName));
    refuseForeign(this.fd, host.shown(this.#ownName));
  }

  /** The object at a path of the host becomes an item. @throws FsError */
  take(path: Name, item: string): void {
    using place = this.#host.hold(path);
    const result = renameat2(place.dirfd, place.name, this.fd, item, RENAME_NOREPLACE);
    if (result === -EXDEV) throw fsError(EXDEV, 'rename', this.#host.shown(path));
    check(result, 'rename', this.#host.shown(path));
  }

  /** An item gets a place on the host, where nothing is. @throws FsError */
  put(item: string, path: Name): void {
    using place = this.#host.hold(path);
    const result = renameat2(this.fd, item, place.dirfd, place.name, RENAME_NOREPLACE);
    check(result, 'rename', this.#host.shown(path));
  }

  has(item: string): boolean {
    const found = new Statx();
    return statx(this.fd, item, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, found) >= 0;
  }

  /** All of it goes; one in the store goes with its folder. */
  remove(): void {
    if (this.#ownName === undefined) return;
    removeContent(this.fd);
    const result = unlinkat(this.#host.fd, this.#ownName, AT_REMOVEDIR);
    if (result !== -ENOENT) check(result, 'rmdir', this.#host.shown(this.#ownName));
  }

  [Symbol.dispose](): void {
    close(this.fd);
  }
}

/**
 * Refuses a top of the area that others can write to: they could lay there what an apply, or its undoing, would put into places
 * of others.
 */
function refuseForeign(fd: number, path: string): void {
  const found = new Statx();
  check(fstatx(fd, STATX_BASIC_STATS, found), 'statx', path);
  if (found.uid === process.geteuid?.()) return;
  close(fd);
  throw new ForeignStage(`'${path}' is not what an apply has made there`, { hint: 'move it away' });
}

function mountOf(fd: number): number {
  const found = new Statx();
  check(statx(fd, '', AT_EMPTY_PATH, STATX_MNT_ID, found), 'statx');
  return found.mountId;
}
