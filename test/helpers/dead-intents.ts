/** Intents whose owners are dead, as a recovery of the store finds them, without a process that dies. */

import { copyFileSync, readdirSync, renameSync } from 'node:fs';
import type { Store } from '../../src/store/store.js';

/** Leaves the store as after the death of all who hold an intent: their files are there, their locks are gone. */
export function abandonIntents(store: Store): void {
  for (const name of readdirSync(store.path('pending'))) {
    const path = store.path('pending', name);
    const copy = store.path(`${name}.copy`);
    copyFileSync(path, copy);
    // The owner's lock is on the inode that loses its name here.
    renameSync(copy, path);
  }
}
