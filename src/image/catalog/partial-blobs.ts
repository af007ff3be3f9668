/**
 * Blobs that broken pulls have left in `images/partial/`, for a later pull to go on with.
 */

import { statSync, unlinkSync } from 'node:fs';
import { isMissing, namesInFolder } from '../../store/atomic-file.js';
import { tryLockFile } from '../../store/lock.js';
import type { Store } from '../../store/store.js';

/** Removes those that no pull is bringing right now. @returns the bytes that went. */
export function dropPartialBlobs(store: Store): number {
  const folder = store.path('images', 'partial');
  let freedBytes = 0;
  for (const name of namesInFolder(folder).filter((one) => !one.endsWith('.lock'))) {
    const path = `${folder}/${name}`;
    using lock = tryLockFile(`${path}.lock`);
    if (lock === undefined) continue;
    freedBytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    for (const gone of [path, `${path}.lock`]) unlinkIfThere(gone);
  }
  return freedBytes;
}

/** The pull that brought it may have moved it to its place meanwhile. */
function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
