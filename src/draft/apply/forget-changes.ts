/**
 * What was applied in part leaves the draft, since the host has it; it waits beside the log of the apply, and comes back when that is
 * undone. Both may be interrupted, and are run again.
 */

import { ENODATA } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  RENAME_NOREPLACE,
  S_IFCHR,
  S_IFDIR,
  STATX_BASIC_STATS,
} from '../../linux/constants.js';
import { renameat2, unlinkat } from '../../linux/files/directory.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { close, openat } from '../../linux/files/open.js';
import { Statx, statx } from '../../linux/files/statx.js';
import { removexattrAt, setxattrAt } from '../../linux/files/xattr.js';
import { crashPoint } from '../../store/crash-point.js';
import { FOLDER_MODE } from '../../store/layout.js';
import { readMark } from '../../union/form/marks.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import type { BeneathTree, Side } from '../changes/beneath-tree.js';
import type { Change } from '../changes/change.js';
import type { AreaTrees } from '../changes/scan-area.js';

export type Forgotten = Pick<Change, 'kind' | 'path' | 'hostPath'> & {
  readonly isDirectory: boolean;
  /** What the draft had there, if no directory; absent in records of older versions too. */
  readonly object?: DraftObject;
};

/** By which it is told that a command has written it since. */
type DraftObject = Pick<
  Side,
  'ino' | 'nlink' | 'sizeBytes' | 'mtimeSec' | 'mtimeNsec' | 'ctimeSec' | 'ctimeNsec'
>;

export function forgottenOf({ kind, path, hostPath, draft }: Change): Forgotten {
  const isDirectory = draft?.type === S_IFDIR;
  const change = { kind, path, hostPath, isDirectory };
  if (draft === undefined || isDirectory) return change;
  const { ino, nlink, sizeBytes, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = draft;
  return { ...change, object: { ino, nlink, sizeBytes, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } };
}

/**
 * Single changes of one area: what the host shows at their places is right from now on.
 * @param kept a folder for what they were, on the same file system; made where it is not there.
 * @returns paths of what stays: after a kill the draft was used before this was done, and something else has been written there.
 * @throws FsError
 */
export function forgetChanges(trees: AreaTrees, changes: readonly Forgotten[], kept: string): Set<Name> {
  const { upper, marks } = trees;
  const rewritten = new Set(changes.filter((one) => isRewritten(upper, one)).map(({ path }) => path));
  using box = new KeptBox(upper, kept);
  for (const [index, { kind, path, hostPath, isDirectory }] of deepestFirst(changes).entries()) {
    const isRenamed = kind === 'deleted' || kind === 'moved';
    if (isRenamed && upper.look(hostPath)?.type === S_IFCHR) box.take(hostPath, whiteoutItem(index));
    if (kind === 'deleted' || path === '' || upper.look(path) === undefined) continue;
    if (rewritten.has(path)) continue;
    const isMerged = isDirectory && kind !== 'moved' && upper.names(path).length > 0;
    if (isMerged) uncover(path, index);
    else box.take(path, objectItem(index));
  }
  return rewritten;

  /** The host's directory shows with it, where something in it is still another. */
  function uncover(path: Name, index: number): void {
    using place = upper.hold(path);
    if (readMark(place.dirfd, place.name, marks.opaque) === OPAQUE) box.note(opaqueItem(index));
    const cleared = removexattrAt(place.dirfd, place.name, marks.opaque);
    if (cleared !== -ENODATA) check(cleared, 'removexattr', upper.shown(path));
    crashPoint();
  }
}

/**
 * The reverse.
 * @returns whether all of it is in the draft again; what the draft has at a place since stays as it is.
 * @throws FsError
 */
export function recallChanges(trees: AreaTrees, changes: readonly Forgotten[], kept: string): boolean {
  const { upper, marks } = trees;
  using box = new KeptBox(upper, kept);
  let isWhole = true;
  for (const [index, { path, hostPath }] of [...deepestFirst(changes).entries()].toReversed()) {
    if (box.has(objectItem(index))) isWhole = box.put(objectItem(index), path) && isWhole;
    if (box.has(whiteoutItem(index))) isWhole = box.put(whiteoutItem(index), hostPath) && isWhole;
    if (!box.has(opaqueItem(index))) continue;
    if (upper.look(path)?.type !== S_IFDIR) isWhole = false;
    else {
      using place = upper.hold(path);
      check(setxattrAt(place.dirfd, place.name, marks.opaque, YES, 0), 'setxattr', upper.shown(path));
    }
    box.remove(opaqueItem(index));
  }
  return isWhole;
}

function isRewritten(upper: BeneathTree, { path, object }: Forgotten): boolean {
  const now = object === undefined ? undefined : upper.look(path);
  if (object === undefined || now === undefined) return false;
  // The ctime of an object with several names changes when another of them is taken away.
  const times = object.nlink > 1 ? (['mtime'] as const) : (['mtime', 'ctime'] as const);
  const isSame = now.ino === object.ino && now.sizeBytes === object.sizeBytes;
  return !isSame || times.some((time) => !hasTime(now, object, time));
}

function hasTime(one: DraftObject, other: DraftObject, time: 'ctime' | 'mtime'): boolean {
  return one[`${time}Sec`] === other[`${time}Sec`] && one[`${time}Nsec`] === other[`${time}Nsec`];
}

const OPAQUE = 'y';
const YES = Buffer.from(OPAQUE);

/** Their order is the same each time. */
function deepestFirst(changes: readonly Forgotten[]): readonly Forgotten[] {
  const depth = ({ path }: Forgotten): number => path.split('/').length;
  return changes.toSorted((a, b) => depth(b) - depth(a));
}

const objectItem = (index: number): string => `${index}`;
const whiteoutItem = (index: number): string => `${index}-whiteout`;
const opaqueItem = (index: number): string => `${index}-opaque`;

const found = new Statx();

class KeptBox implements Disposable {
  readonly #fd: number;
  readonly #upper: BeneathTree;

  constructor(upper: BeneathTree, folder: string) {
    makeDirectories(folder, FOLDER_MODE);
    this.#upper = upper;
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    this.#fd = check(openat(AT_FDCWD, nameFromText(folder), flags), 'open', folder);
  }

  take(path: Name, item: string): void {
    using place = this.#upper.hold(path);
    const result = renameat2(place.dirfd, place.name, this.#fd, item, RENAME_NOREPLACE);
    check(result, 'rename', this.#upper.shown(path));
    crashPoint();
  }

  /** @returns false where something else is by now, or the directory for it is not. */
  put(item: string, path: Name): boolean {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
    if (this.#upper.look(path) !== undefined || this.#upper.look(folder)?.type !== S_IFDIR) return false;
    using place = this.#upper.hold(path);
    const result = renameat2(this.#fd, item, place.dirfd, place.name, RENAME_NOREPLACE);
    check(result, 'rename', this.#upper.shown(path));
    crashPoint();
    return true;
  }

  has(item: string): boolean {
    return statx(this.#fd, item, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, found) >= 0;
  }

  /** Makes an item that is nothing but its name. */
  note(item: string): void {
    close(check(openat(this.#fd, item, O_WRONLY | O_CREAT, 0o600), 'open', item));
    crashPoint();
  }

  remove(item: string): void {
    check(unlinkat(this.#fd, item, 0), 'unlink', item);
    crashPoint();
  }

  [Symbol.dispose](): void {
    close(this.#fd);
  }
}
