/**
 * What the host has changed in the places that a draft would change: told by what the draft recorded when it copied the object, or,
 * of what it never copied (deleted, new), by whether the host's has changed since the draft began.
 */

import { S_IFDIR } from '../../linux/constants.js';
import type { Base } from '../../union/form/base.js';
import type { Name } from '../../vfs/name.js';
import { type BeneathTree, below, type Side } from '../changes/beneath-tree.js';
import type { Change } from '../changes/change.js';
import { facetsOf } from '../changes/object-facts.js';
import type { AreaTrees } from '../changes/scan-area.js';
import { isRestored, type Restored } from './restored.js';

export interface Conflict {
  readonly change: Change;
  /** In words: what has become of the host's object. */
  readonly what: string;
}

/** What tells the host's changes from others'. */
interface HostHistory {
  /** When the draft began. */
  readonly sinceMs: number;
  readonly restored: Restored;
}

export function conflictOf(trees: AreaTrees, change: Change, history: HostHistory): Conflict | undefined {
  const what = changeOnHost(trees, change, history);
  return what === undefined ? undefined : { change, what };
}

function changeOnHost(
  { area, host, upper, marks }: AreaTrees,
  change: Change,
  history: HostHistory,
): string | undefined {
  const isNewer = (side: Side): boolean => isNewerThan(area.id, side, history);
  const { kind, base, hostPath, path, draft } = change;
  if (kind === 'moved' && hostPath !== path) {
    const there = host.look(path);
    if (there !== undefined && isNewer(there)) return 'the host has made something of that name';
  }
  const now = host.look(hostPath);
  if (kind === 'deleted') return now === undefined ? undefined : newestBelow(host, hostPath, now, isNewer);
  if (kind === 'added') {
    if (base !== undefined && draft?.nlink === 1 && now === undefined) return 'the host has deleted it';
    if (now === undefined || draft === undefined || !isNewer(now)) return undefined;
    const isSame =
      facetsOf({ tree: host, path: hostPath, side: now }, { tree: upper, path, side: draft }, marks, {
        isMetadata: false,
        isCopy: false,
      }).length === 0;
    return isSame ? undefined : 'the host has made something of that name';
  }
  if (now === undefined) return 'the host has deleted it';
  if (base === undefined) return isNewer(now) ? 'the host has changed it' : undefined;
  const isSame = isStill(now, base) || (now.ino === base.ino && isRestored(history.restored, area.id, now));
  return isSame ? undefined : 'the host has changed it';
}

/** A directory changes with each name in it; of that its own names tell. */
function isStill(now: Side, base: Base): boolean {
  const hasSameAttributes = now.mode === base.mode && now.uid === base.uid && now.gid === base.gid;
  if (now.type === S_IFDIR) return now.ino === base.ino && hasSameAttributes;
  return now.ino === base.ino && now.ctimeSec === base.ctimeSec && now.ctimeNsec === base.ctimeNsec;
}

function isNewerThan(area: string, side: Side, { sinceMs, restored }: HostHistory): boolean {
  const { ctimeSec, ctimeNsec } = side;
  return ctimeSec * 1000 + ctimeNsec / 1e6 > sinceMs && !isRestored(restored, area, side);
}

function newestBelow(
  host: BeneathTree,
  path: Name,
  side: Side,
  isNewer: (side: Side) => boolean,
): string | undefined {
  if (isNewer(side)) return 'the host has changed it';
  if (side.type !== S_IFDIR) return undefined;
  for (const name of host.names(path)) {
    const at = below(path, name);
    const inner = host.look(at);
    if (inner !== undefined && newestBelow(host, at, inner, isNewer) !== undefined)
      return `the host has changed '${host.shown(at)}'`;
  }
  return undefined;
}
