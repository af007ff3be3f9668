/** Opens two trees to compare them. */

import type { FileSystem } from '../vfs/file-system.js';
import type { OpenedStates } from './snapshot-target.js';

interface ReadTree extends Disposable {
  readonly fs: FileSystem;
}

/** Neither stays open when the second cannot be opened. */
export function openBoth(openBefore: () => ReadTree, openAfter: () => ReadTree): OpenedStates {
  const before = openBefore();
  try {
    const after = openAfter();
    return {
      before: before.fs,
      after: after.fs,
      shown: (difference) => difference,
      [Symbol.dispose]: () => {
        after[Symbol.dispose]();
        before[Symbol.dispose]();
      },
    };
  } catch (error) {
    before[Symbol.dispose]();
    throw error;
  }
}
