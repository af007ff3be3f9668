/**
 * Something in the store that is not as it should be, and how it is mended.
 */

import { renameSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { codeOf } from '../../../errno/error-code.js';
import { reasonOf } from '../../../errno/reason.js';
import { UserError } from '../../../errno/user-error.js';
import { makeDirectories } from '../../../linux/files/make-directories.js';
import { syncDirectory } from '../../../store/atomic-file.js';
import type { StorePath } from '../../../store/layout.js';
import type { Store } from '../../../store/store.js';

export interface StoreProblem {
  /** What was found, one line. */
  readonly what: string;
  /** What it costs. */
  readonly cost: string;
  /** What `mend` does, as `--fix` says it: `unmount it`. */
  readonly remedy: string;
  /** @throws when it cannot be done. */
  readonly mend: () => void | Promise<void>;
}

/** Where things go that cannot be mended and may be worth something: `lost+found/` of the store. */
export const LOST_FOLDER = 'lost+found';

/** Moves it out of the way; nothing is deleted. */
export function setAside(store: Store, path: StorePath): void {
  store.locked(() => {
    const kind = dirname(path).replaceAll('/', '-');
    const to = store.path(LOST_FOLDER, `${kind}-${basename(path)}-${Date.now()}`);
    makeDirectories(dirname(to), 0o700);
    renameSync(store.path(path), to);
    syncDirectory(dirname(store.path(path)));
  });
}

/** A record, or why it cannot be read. */
export function tryRead<T>(read: () => T): { readonly value: T } | { readonly broken: string } {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof UserError && error.cause instanceof SyntaxError) return { broken: 'it is no JSON' };
    if (error instanceof UserError) return { broken: error.message };
    if (codeOf(error) !== undefined) return { broken: reasonOf(error) };
    throw error;
  }
}
