/**
 * `image find`: objects in the layers of an image by name, content, owner, mode, size and age, hidden ones too.
 */

import { EACCES } from '../../errno/errno.js';
import { check, isErrno } from '../../errno/fs-error.js';
import { read } from '../../linux/files/data.js';
import { close } from '../../linux/files/open.js';
import type { Name } from '../../vfs/name.js';
import { type ObjectFacts, type ObjectType, objectFacts, objectType } from './shown-facts.js';
import type { Hiding, NumberedLayer, StackedLayers, StackedObject } from './stacked-layers.js';

/** What an object has to be; all that is given has to hold. */
export interface Criteria {
  /** What the path below the root has to match, without a leading slash. */
  readonly path?: ((path: Name) => boolean) | undefined;
  readonly type?: ObjectType | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Permission bits, of which one at least is set. */
  readonly anyMode?: number | undefined;
  readonly minBytes?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Milliseconds since 1970: changed at that time or later. */
  readonly sinceMs?: number | undefined;
  /** Milliseconds since 1970: changed before. */
  readonly beforeMs?: number | undefined;
  readonly isHidden?: boolean | undefined;
  /** Bytes that a file holds: only regular files do. Not empty. */
  readonly content?: Buffer | undefined;
}

export interface FoundObject extends ObjectFacts {
  readonly path: Name;
  readonly layer: NumberedLayer;
  readonly hiddenBy: Hiding | undefined;
}

/** A directory that several layers have shows once, with its topmost attributes. @throws FsError where a layer cannot be read. */
export function* findObjects(layers: StackedLayers, criteria: Criteria): Generator<FoundObject> {
  for (const stacked of layers.objects()) {
    const found = foundObject(stacked);
    if (stacked.object.isMerged || !meets(found, criteria)) continue;
    if (criteria.content !== undefined && !holds(stacked, criteria.content)) continue;
    yield found;
  }
}

function foundObject({ object, layer, hiddenBy }: StackedObject): FoundObject {
  const { stat, path } = object;
  return {
    path,
    layer,
    hiddenBy,
    ...objectFacts(stat),
  };
}

function meets(object: FoundObject, criteria: Criteria): boolean {
  const { path, type, uid, gid, anyMode, isHidden } = criteria;
  return (
    (path === undefined || path(object.path)) &&
    (type === undefined || type === object.type) &&
    (uid === undefined || uid === object.uid) &&
    (gid === undefined || gid === object.gid) &&
    // The modes of symlinks are all bits, and mean nothing.
    (anyMode === undefined || (object.type !== 'symlink' && (object.mode & anyMode) !== 0)) &&
    (isHidden === undefined || isHidden === (object.hiddenBy !== undefined)) &&
    isWithin(object.sizeBytes, criteria.minBytes, criteria.maxBytes) &&
    object.mtimeMs >= (criteria.sinceMs ?? Number.NEGATIVE_INFINITY) &&
    object.mtimeMs < (criteria.beforeMs ?? Number.POSITIVE_INFINITY)
  );
}

function isWithin(bytes: number, least = 0, most = Number.POSITIVE_INFINITY): boolean {
  return least <= bytes && bytes <= most;
}

const piece = Buffer.allocUnsafe(1 << 20);

/** Whether a regular file has the bytes anywhere, across the pieces that it is read in too. */
function holds({ object }: StackedObject, content: Buffer): boolean {
  if (objectType(object.stat.mode) !== 'file' || object.stat.sizeBytes < content.length) return false;
  const fd = openReadable(object);
  if (fd === undefined) return false;
  try {
    let kept = 0;
    for (;;) {
      const count = check(read(fd, piece.subarray(kept)), 'read', object.path);
      if (piece.subarray(0, kept + count).includes(content)) return true;
      if (count === 0) return false;
      const rest = Math.min(content.length - 1, kept + count);
      piece.copyWithin(0, kept + count - rest, kept + count);
      kept = rest;
    }
  } finally {
    close(fd);
  }
}

/** @returns undefined for a file that this user may not read: the layers of his own store have some of mode 0. */
export function openReadable(object: StackedObject['object']): number | undefined {
  try {
    return object.open();
  } catch (error) {
    if (isErrno(error, EACCES)) return undefined;
    throw error;
  }
}
