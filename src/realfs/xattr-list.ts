/** Lists of attribute names, as listxattr(2) fills them: each name ended by NUL. */

import type { Caller } from '../vfs/caller.js';
import type { Name } from '../vfs/name.js';

/** Whether a caller is shown the name: `trusted.*` is for CAP_SYS_ADMIN alone (xattr(7)), of which a request tells the uid. */
export function seesXattr(caller: Caller, name: Name): boolean {
  return caller.uid === 0 || !name.startsWith('trusted.');
}

/**
 * Rewrites the list in place.
 * @param show the name to show, no longer than the one stored, or undefined for none.
 * @returns a view of what is left.
 */
export function filterXattrList(
  list: Buffer,
  length: number,
  show: (stored: Name) => Name | undefined,
): Uint8Array {
  let kept = 0;
  let start = 0;
  while (start < length) {
    const end = list.indexOf(0, start);
    const shown = show(list.toString('latin1', start, end));
    if (shown !== undefined) kept += list.write(`${shown}\0`, kept, 'latin1');
    start = end + 1;
  }
  return list.subarray(0, kept);
}
