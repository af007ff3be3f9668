/**
 * The mark of a volume that is being filled: the file `filling` beside `_data`, there while the copy runs.
 *
 * A process that finds it while holding `setup.lock` knows that the copy was cut off, and empties the volume.
 */

import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { syncDirectory } from '../store/atomic-file.js';
import { crashPoint } from '../store/crash-point.js';
import { emptyTree } from '../store/delete-tree.js';

const MARK = 'filling';

/** PRECONDITION: `setup.lock` is held until `endFilling()` or `undoFilling()`, and the volume is empty. */
export function beginFilling(home: string): void {
  writeFileSync(`${home}/${MARK}`, '', { flush: true });
  syncDirectory(home);
  crashPoint();
}

/** The content is whole, and on disk. */
export function endFilling(home: string): void {
  crashPoint();
  unlinkSync(`${home}/${MARK}`);
  syncDirectory(home);
  crashPoint();
}

export function isHalfFilled(home: string): boolean {
  return existsSync(`${home}/${MARK}`);
}

/** PRECONDITION: `setup.lock` is held. */
export function undoFilling(home: string): void {
  if (!isHalfFilled(home)) return;
  emptyTree(`${home}/_data`);
  unlinkSync(`${home}/${MARK}`);
}
