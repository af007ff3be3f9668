/**
 * An upper becomes a layer, and an empty one takes its place: what is made for it beforehand, and the steps of an intent that do it.
 * A container's own process does so while nothing is mounted, else the daemon that serves it.
 */

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { takeRootAttributes } from '../../union/upper-root.js';
import { randomHex } from '../../vfs/random-hex.js';
import type { Intent, IntentStep } from '../intent.js';
import type { StorePath } from '../layout.js';
import type { Store } from '../store.js';

const FOLDER_MODE = 0o755;
const NAME_BYTES = 8;

/** Where an upper lies. Of a mount that a user has made upper and work are outside of the store, and their paths begin with `..`. */
export interface UpperPlace {
  /** Where the next ones are made, in the same mount. */
  readonly home: StorePath;
  readonly upper: StorePath;
  readonly work: StorePath;
}

export function upperIn(home: StorePath): UpperPlace {
  return { home, upper: join(home, 'upper'), work: join(home, 'work') };
}

/** An upper that is to become a layer. */
export interface UpperPush extends UpperPlace {
  /** The layer's name below `layers`. */
  readonly layer: string;
  /** What a record is to be from then on. */
  readonly record: { readonly path: StorePath; readonly text: string };
}

/** What was made beforehand. */
export interface StagedPush {
  /** The layer without its `tree`. */
  readonly layer: StorePath;
  /** Name of a directory in the home with the next `upper` and `work`: beside upper, since both must lie in one mount. */
  readonly next: string;
}

/** Makes an empty upper and work directory. @param root the directory that is to lie below, whose attributes `/` keeps. */
export function makeEmptyUpper(home: string, root: string | undefined): void {
  for (const folder of ['upper', 'work']) {
    mkdirSync(join(home, folder));
    chmodSync(join(home, folder), FOLDER_MODE);
  }
  if (root !== undefined) takeRootAttributes(root, join(home, 'upper'));
}

/** A directory in `home` with an empty upper, which goes when the intent is not decided. @returns its name. */
export function stageUpper(store: Store, intent: Intent, home: StorePath, root: string | undefined): string {
  const next = `.next-${randomHex(NAME_BYTES)}`;
  intent.add({ do: 'remove', path: join(home, next) });
  mkdirSync(store.path(home, next), { mode: 0o700 });
  makeEmptyUpper(store.path(home, next), root);
  return next;
}

/** To be decided before the first of them is done. @param keep where the old upper goes. */
export function stepsOfNextUpper(
  { home, upper, work }: UpperPlace,
  next: string,
  keep: StorePath,
): IntentStep[] {
  const staged = join(home, next);
  return [
    { do: 'replace', path: upper, by: join(staged, 'upper'), keep },
    { do: 'replace', path: work, by: join(staged, 'work'), keep: join(staged, 'old-work') },
    { do: 'remove', path: staged },
  ];
}

/** The same, of an upper that becomes a layer. */
export function stepsOfPush(push: UpperPush, staged: StagedPush): IntentStep[] {
  const { layer, record } = push;
  return [
    ...stepsOfNextUpper(push, staged.next, join(staged.layer, 'tree')),
    { do: 'rename', from: staged.layer, to: join('layers', layer) },
    { do: 'write', ...record, mode: 0o600 },
  ];
}
