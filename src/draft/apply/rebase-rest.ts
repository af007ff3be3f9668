/**
 * A file of which hunks were applied stays in the draft with the others: what is left of its change is measured by the host's file as
 * the apply has left it, and by the one before when that is undone.
 */

import { check } from '../../errno/fs-error.js';
import { O_PATH, STATX_BASIC_STATS } from '../../linux/constants.js';
import { close } from '../../linux/files/open.js';
import { fstatx, Statx } from '../../linux/files/statx.js';
import { crashPoint } from '../../store/crash-point.js';
import { readBase, recordBase, restoreBase } from '../../union/form/base.js';
import { readMark } from '../../union/form/marks.js';
import type { Name } from '../../vfs/name.js';
import type { AreaTrees } from '../changes/scan-area.js';

/** What an apply has left at one of its places on the host, by which it is told whether somebody has changed that since. */
export interface LeftObject {
  readonly area: string;
  readonly path: Name;
  readonly ino: number;
  readonly ctimeSec: number;
  readonly ctimeNsec: number;
}

export interface Rebased {
  readonly area: string;
  readonly path: Name;
  /** The value of its mark before; '' for none. */
  readonly base: Name;
}

/** @returns what `rebaseBack` needs. PRECONDITION: it is not rebased yet. */
export function rebasedOf({ area, upper, marks }: AreaTrees, path: Name): Rebased {
  using place = upper.hold(path);
  return { area: area.id, path, base: readMark(place.dirfd, place.name, marks.base) };
}

/** Where the host's file is still what the apply has left there. May be run again. @throws FsError */
export function rebaseRest(
  { host, upper, marks }: AreaTrees,
  path: Name,
  left: LeftObject | undefined,
): void {
  const fd = host.open(path, O_PATH);
  if (fd < 0) return;
  const found = new Statx();
  try {
    check(fstatx(fd, STATX_BASIC_STATS, found), 'statx', host.shown(path));
  } finally {
    close(fd);
  }
  if (!isLeft(found, left) || upper.look(path) === undefined) return;
  using place = upper.hold(path);
  recordBase(marks, place.dirfd, place.name, found);
  crashPoint();
}

/** Takes back what `rebaseRest` did to a file that is in the draft still. May be run again. @throws FsError */
export function rebaseBack(
  { upper, marks }: AreaTrees,
  { path, base }: Rebased,
  left: LeftObject | undefined,
): void {
  if (upper.look(path) === undefined) return;
  using place = upper.hold(path);
  const now = readBase(marks, place.dirfd, place.name);
  if (now === undefined || !isLeft(now, left)) return;
  restoreBase(marks, place.dirfd, place.name, base);
  crashPoint();
}

function isLeft(
  { ino, ctimeSec, ctimeNsec }: Pick<LeftObject, 'ino' | 'ctimeSec' | 'ctimeNsec'>,
  left: LeftObject | undefined,
): boolean {
  return left?.ino === ino && left.ctimeSec === ctimeSec && left.ctimeNsec === ctimeNsec;
}
