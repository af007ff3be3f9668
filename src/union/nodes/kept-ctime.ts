/**
 * A copy-up does not show in st_ctime.
 *
 * Copying an object up gives it, and the directory that it lies in, a new ctime though nobody changed them. The kernel
 * caches attributes without limit and is not told: it would show the old ctime until it asks again for another reason,
 * and tar, which compares the two, reports that the file changed as it was read. So the old ctime stands for as long as
 * the object is as the copy-up left it, and the node lives. The mtime is compared too, because before Linux 6.13 a
 * change within the same tick leaves the ctime as it is.
 *
 * DEVIATION: overlayfs shows the ctime of the copy. Test: test/acceptance/programs.test.ts, 'tar sees no change'.
 */

import type { Statx } from '../../linux/files/statx.js';
import type { Attr } from '../../vfs/attr.js';

/** Times of the object in upper as the copy-up left them, and the ctime to show while it has them. */
export interface KeptCtime {
  readonly realSec: number;
  readonly realNsec: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly shownSec: number;
  readonly shownNsec: number;
}

/** What to show from now on, when a copy-up turned the times `before` into `after`. */
export function keepCtime(kept: KeptCtime | undefined, before: Statx, after: Statx): KeptCtime {
  const known = kept !== undefined && isUnchanged(kept, before);
  return {
    realSec: after.ctimeSec,
    realNsec: after.ctimeNsec,
    mtimeSec: after.mtimeSec,
    mtimeNsec: after.mtimeNsec,
    shownSec: known ? kept.shownSec : before.ctimeSec,
    shownNsec: known ? kept.shownNsec : before.ctimeNsec,
  };
}

export function showKeptCtime(kept: KeptCtime, stat: Statx, out: Attr): void {
  if (!isUnchanged(kept, stat)) return;
  out.ctimeSec = kept.shownSec;
  out.ctimeNsec = kept.shownNsec;
}

function isUnchanged(kept: KeptCtime, stat: Statx): boolean {
  return (
    stat.ctimeNsec === kept.realNsec &&
    stat.ctimeSec === kept.realSec &&
    stat.mtimeNsec === kept.mtimeNsec &&
    stat.mtimeSec === kept.mtimeSec
  );
}
