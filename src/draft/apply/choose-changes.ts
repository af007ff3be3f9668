/**
 * What else has to be applied when some changes are: what they lie in, what has to make room for them, what lies in a directory
 * that they rename, other names of the same file.
 */

import { S_IFDIR } from '../../linux/constants.js';
import type { Name } from '../../vfs/name.js';
import type { Change } from '../changes/change.js';

/** In the order of `all`. */
export function withNeeded(all: readonly Change[], chosen: Iterable<Change>): Change[] {
  const wanted = new Set(chosen);
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const change of all) {
      if (wanted.has(change)) continue;
      for (const one of wanted) {
        if (one.area.id !== change.area.id || !isNeeded(change, one)) continue;
        wanted.add(change);
        break;
      }
    }
  }
  return all.filter((change) => wanted.has(change));
}

/** Whether `one` cannot be applied without `change`. */
function isNeeded(change: Change, one: Change): boolean {
  const isMoved = change.kind === 'moved';
  const isPlace = isMoved || change.kind === 'added' || change.facets.includes('type');
  if (isPlace && isBelow(one.path, change.path) && change.path !== '') return true;
  // It makes room.
  const leaves = change.kind === 'deleted' || isMoved;
  if (leaves && one.draft !== undefined && change.hostPath === one.path) return true;
  if (isMoved && isBelow(one.hostPath, change.hostPath)) return true;
  if (one.kind === 'moved' && one.draft?.type === S_IFDIR)
    if (isBelow(change.path, one.path) || isBelow(change.hostPath, one.hostPath)) return true;
  const number = change.draft?.ino;
  return number !== undefined && (change.draft?.nlink ?? 1) > 1 && number === one.draft?.ino;
}

function isBelow(path: Name, folder: Name): boolean {
  return path.startsWith(`${folder}/`);
}
