/**
 * The plans of a campaign: how both sides are mounted, and what happens to the mounts between the steps of a run.
 *
 * A run's plan follows from its seed. With metacopy off at the reference, times are compared as they are; with metacopy
 * on both sides share one form on disk, and can go on with what the other wrote; with userxattr redirects and
 * metacopies do not exist; for a neighbour all that refers to other places is off, as in plyfs-overlay; with passthrough,
 * the kernel reads all files of layers itself.
 */

import {
  overlayfs,
  overlayfsWith,
  plyfs,
  plyfsPassthrough,
  plyfsWith,
  type Target,
} from '../helpers/targets.js';
import type { MountChange } from './steps.js';

export type PlanName = 'plain' | 'strict' | 'passthrough' | 'shared' | 'neighbour' | 'user';

export interface Plan {
  readonly name: PlanName;
  /** Layers that are drawn; those that `freeze` makes come on top. */
  readonly layers: readonly [min: number, max: number];
  /** Done at equal distances within the steps. */
  readonly changes: readonly MountChange['step'][];
  /** Whether drawn layers have hard links: not below a freeze (`Pair.#partLinks`). */
  readonly hardLinks: boolean;
}

function plan(name: PlanName, layers: Plan['layers'], ...changes: Plan['changes']): Plan {
  return { name, layers, changes, hardLinks: !changes.includes('freeze') };
}

export const PLANS: readonly Plan[] = [
  plan('strict', [3, 6], 'remount', 'remount', 'remount', 'remount'),
  plan('strict', [3, 3], 'freeze', 'freeze', 'remount', 'freeze'),
  plan('passthrough', [3, 4], 'freeze', 'remount', 'freeze', 'remount'),
  plan('strict', [3, 5], 'remount', 'freeze', 'remount', 'remount'),
  plan('shared', [3, 3], 'freeze', 'exchange', 'freeze', 'exchange'),
  plan('shared', [3, 6], 'exchange', 'remount', 'exchange', 'remount'),
  plan('shared', [3, 3], 'freeze', 'freeze', 'exchange', 'freeze'),
  plan('shared', [3, 4], 'exchange', 'freeze', 'exchange', 'freeze'),
  plan('user', [3, 4], 'freeze', 'exchange', 'remount', 'freeze'),
  plan('user', [3, 6], 'exchange', 'remount', 'exchange', 'remount'),
  plan('neighbour', [3, 4], 'freeze', 'exchange', 'remount', 'freeze'),
  plan('neighbour', [3, 6], 'exchange', 'remount', 'exchange', 'remount'),
];

/** Against a plain directory, which has no layers: their merging as data knows no hard links, and whiteouts are devices. */
export const PLAIN_PLAN: Plan = plan('plain', [3, 6]);

/** What each change of mounts and each form needs at the least, for `npm test`. */
export const SHORT_PLANS: readonly Plan[] = [
  plan('strict', [3, 5], 'freeze'),
  plan('passthrough', [3, 6], 'remount'),
  plan('shared', [3, 4], 'freeze', 'exchange'),
  plan('user', [3, 6], 'exchange'),
];

export function planOf(seed: number, plans: readonly Plan[] = PLANS): Plan {
  return plans[seed % plans.length]!;
}

/** The marks of overlayfs in the layers, and the mount options of both sides. */
export const FORMS: Readonly<
  Record<PlanName, { overlayfs: Target; reader: Target; plyfs: Target; opaque: 'trusted' | 'user' }>
> = {
  plain: {
    overlayfs: overlayfsWith('redirect_dir=on,index=on,metacopy=off'),
    reader: overlayfs,
    plyfs,
    opaque: 'trusted',
  },
  strict: {
    overlayfs: overlayfsWith('redirect_dir=on,index=on,metacopy=off'),
    reader: overlayfs,
    plyfs,
    opaque: 'trusted',
  },
  passthrough: {
    overlayfs: overlayfsWith('redirect_dir=on,index=on,metacopy=off'),
    reader: overlayfs,
    plyfs: plyfsPassthrough,
    opaque: 'trusted',
  },
  shared: {
    overlayfs,
    reader: overlayfs,
    plyfs,
    opaque: 'trusted',
  },
  neighbour: {
    overlayfs: overlayfsWith('redirect_dir=off,index=off,metacopy=off'),
    reader: overlayfsWith('redirect_dir=off,index=off,metacopy=off'),
    plyfs: plyfsWith('redirect_dir=off,index=off,metacopy=off'),
    opaque: 'trusted',
  },
  user: {
    overlayfs: overlayfsWith('userxattr,index=on'),
    reader: overlayfsWith('userxattr,index=on'),
    plyfs: plyfsWith('userxattr'),
    opaque: 'user',
  },
};
