/** Hunks of the files that two whole trees have at one path. */

import { TreeSide } from '../../image/contents/tree-side.js';
import type { FileSystem } from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { kindOf, MAX_TEXT_BYTES } from './content-kind.js';
import { type Hunk, hunksOf } from './text-hunks.js';

export class TreeHunks {
  readonly #before: TreeSide;
  readonly #after: TreeSide;

  /** @param beforeAt the directory of the first tree that is its root. */
  constructor(before: FileSystem, after: FileSystem, beforeAt?: Name) {
    this.#before = new TreeSide(before, beforeAt);
    this.#after = new TreeSide(after);
  }

  /** @returns undefined where one side has no text, or one too long, or they have too little in common. */
  at(path: Name): readonly Hunk[] | undefined {
    const [old, now] = [textAt(this.#before, path), textAt(this.#after, path)];
    return old === undefined || now === undefined ? undefined : hunksOf(old, now);
  }
}

function textAt(side: TreeSide, path: Name): string | undefined {
  const bytes = side.content(path, MAX_TEXT_BYTES);
  if (bytes === undefined || kindOf(bytes, bytes.length) !== 'text') return undefined;
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : undefined;
}
