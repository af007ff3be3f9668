/**
 * The third part of `-v`: a comma list of modes, at most one of each class (moby linuxValidMountMode), and of the
 * options that plyfs adds. Also the notices for modes that are accepted and do nothing here.
 */

import { UserError } from '../../errno/user-error.js';
import { isSharedOption, newSharedDraft, type SharedDraft, setSharedOption } from './shared-options.js';
import type { Propagation } from './types.js';

type ModeClass = 'access' | 'changes' | 'below' | 'label' | 'propagation' | 'copy' | 'consistency';

export const propagationModes: ReadonlySet<string> = new Set<Propagation>([
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
]);

export const consistencyModes: ReadonlySet<string> = new Set(['consistent', 'cached', 'delegated']);

const modeClasses: ReadonlyMap<string, ModeClass> = new Map([
  ['ro', 'access'],
  ['rw', 'access'],
  ['cow', 'changes'],
  ['merge', 'below'],
  ['z', 'label'],
  ['Z', 'label'],
  ['nocopy', 'copy'],
  ...[...propagationModes].map((mode) => [mode, 'propagation'] as const),
  ...[...consistencyModes].map((mode) => [mode, 'consistency'] as const),
]);

/** What `plyfs mount` alone says: where commands have a mount namespace of their own, the kernel's mounts there heed it. */
export const PROPAGATION_NOTICE =
  "mount propagation is accepted and does nothing in 'plyfs mount': nothing is mounted in the host";

/** One text a class, so that many mounts still make one notice. */
const classNotices: ReadonlyMap<ModeClass, string> = new Map([
  ['label', 'SELinux labels (z, Z) are accepted and do nothing in plyfs'],
  ['propagation', PROPAGATION_NOTICE],
  ['consistency', 'consistency modes are accepted and do nothing in plyfs: every bind is consistent'],
]);

export interface Modes {
  readonly readOnly: boolean;
  readonly noCopy: boolean;
  /** Changes do not reach the source. */
  readonly cow: boolean;
  /** What lies below the target shows too. */
  readonly merge: boolean;
  readonly propagation: Propagation | undefined;
  readonly shared: SharedDraft;
  readonly notices: readonly string[];
}

/** What to say of a mode that does nothing here; undefined for one that counts. */
export function noticeFor(mode: string): string | undefined {
  const modeClass = modeClasses.get(mode);
  return modeClass && classNotices.get(modeClass);
}

/** Whether every item is a mode or option: such a text is no target. */
export function isModeList(text: string): boolean {
  return text === '' || text.split(',').every((item) => modeClasses.has(item) || isSharedOption(keyOf(item)));
}

/**
 * Reads the list; the empty text is no mode at all.
 * @throws UserError `invalid mode: X` with the whole list, as Docker does it.
 */
export function parseModes(text: string): Modes {
  const given = new Map<ModeClass, string>();
  const shared = newSharedDraft();
  for (const item of text === '' ? [] : text.split(',')) {
    const modeClass = modeClasses.get(item);
    if (modeClass) {
      if (given.has(modeClass)) throw new UserError(`invalid mode: ${text}`);
      given.set(modeClass, item);
      continue;
    }
    const key = keyOf(item);
    if (!isSharedOption(key)) throw new UserError(`invalid mode: ${text}`);
    setSharedOption(shared, key, item === key ? undefined : item.slice(key.length + 1));
  }
  return {
    readOnly: given.get('access') === 'ro',
    noCopy: given.has('copy'),
    cow: given.has('changes') || (given.has('below') && given.get('access') !== 'ro'),
    merge: given.has('below'),
    propagation: given.get('propagation') as Propagation | undefined,
    shared,
    notices: [...given.values()].map(noticeFor).filter((notice) => notice !== undefined),
  };
}

function keyOf(item: string): string {
  return item.split('=', 1)[0]!;
}
