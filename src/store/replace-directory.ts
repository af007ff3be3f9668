/**
 * A directory of the store gets other content: it is made beside, and takes its place by a rename that is decided beforehand, so that a
 * kill leaves the old one or the new one (intent.ts).
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { IntentStep } from './intent.js';
import type { ObjectKind, StorePath } from './layout.js';
import type { Store } from './store.js';

interface DirectoryChange {
  /** Where it can be made, on the same file system. */
  readonly kind: ObjectKind;
  readonly path: StorePath;
  /** Fills a new directory, absolute, and gives it its attributes; all of it is on disk on return. */
  readonly fill: (to: string) => void;
  /** What a record is to be from then on. */
  readonly record?: Omit<Extract<IntentStep, { readonly do: 'write' }>, 'do'>;
  /** Runs the change while nobody uses the directory, under the lock of the store. @throws UserError when somebody does. */
  readonly whileFree?: (change: () => void) => void;
}

/** What it had is gone on return. @throws what `fill` and `whileFree` throw; then it is as it was. */
export function replaceDirectory(
  store: Store,
  { kind, path, fill, record, whileFree = (change) => change() }: DirectoryChange,
): void {
  using intent = store.intend();
  const staged = store.stage(kind, intent);
  const by = join(staged, 'next');
  mkdirSync(store.path(by));
  fill(store.path(by));
  store.locked(() => {
    whileFree(() => {
      intent.decide([
        { do: 'replace', path, by, keep: join(staged, 'previous') },
        ...(record === undefined ? [] : [{ do: 'write' as const, ...record }]),
        { do: 'remove', path: staged },
      ]);
      intent.carryOut();
    });
  });
}
