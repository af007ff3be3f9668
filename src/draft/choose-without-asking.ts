/**
 * Which changes of a plan are applied when nobody is asked: what needs a word of its own must have it, and of conflicts it is said
 * beforehand which side wins. Nothing is written here.
 */

import { UserError } from '../errno/user-error.js';
import { displayName } from '../vfs/name.js';
import type { ChosenChange } from './apply/apply-area.js';
import { withNeeded } from './apply/choose-changes.js';
import type { Conflict } from './apply/find-conflicts.js';
import type { Permit } from './changes/attention.js';
import { joined } from './changes/beneath-tree.js';
import { type ChangeDescription, describeChange } from './describe-change.js';
import type { ApplyPlan } from './prepare-apply.js';
import type { ReviewedChange } from './review-draft.js';

/** What a refused apply is told by. */
export interface ApplyRefusal {
  /** The words that are missing. */
  readonly allow: readonly ('setuid' | 'devices' | 'hooks')[];
  /** The changes that want them. */
  readonly changes: readonly ChangeDescription[];
  /** Where the host has changed too, and how. */
  readonly conflicts: readonly { readonly path: string; readonly what: string }[];
}

export interface ApplyWords {
  /** Which side wins where the host has changed too. */
  readonly onConflict: 'draft' | 'host' | undefined;
  readonly permits: ReadonlySet<Permit>;
}

/** An apply that wants a word first; nothing is applied. */
export class ApplyRefused extends UserError {
  /** Those that want a word of their own. @hidden */
  readonly changes: readonly ReviewedChange[];
  /** The words. @hidden */
  readonly permits: readonly Permit[];
  /** Without one that says which side wins. @hidden */
  readonly conflicts: readonly Conflict[];

  /** @hidden */
  constructor(
    why: { readonly message: string; readonly hint: string },
    what: {
      readonly changes?: readonly ReviewedChange[];
      readonly permits?: readonly Permit[];
      readonly conflicts?: readonly Conflict[];
    },
  ) {
    const code = what.conflicts === undefined ? 'ERR_NOT_PERMITTED' : 'ERR_CONFLICT';
    super(why.message, { code, hint: why.hint });
    this.changes = what.changes ?? [];
    this.permits = what.permits ?? [];
    this.conflicts = what.conflicts ?? [];
  }

  /** The same for programs. */
  get refusal(): ApplyRefusal {
    return {
      allow: this.permits,
      changes: this.changes.map(describeChange),
      conflicts: this.conflicts.map(({ change, what }) => ({
        path: displayName(joined(change.area.path, change.path)),
        what,
      })),
    };
  }
}

const WORDS: Readonly<Record<Permit, string>> = {
  setuid: '--allow-setuid',
  devices: '--allow-devices',
  hooks: '--allow-hooks',
};

/** @throws ApplyRefused when a word is missing, UserError when a change that is left to the host is needed for another. */
export function chooseWithoutAsking(plan: ApplyPlan, { onConflict, permits }: ApplyWords): ChosenChange[] {
  refuseWithoutPermit(plan, permits);
  if (plan.conflicts.length === 0 || onConflict === 'draft')
    return plan.changes.map((change) => ({ change }));
  if (onConflict === undefined) {
    const message = `nothing is applied: the host has changed too in ${plan.conflicts.length} of these places`;
    const hint = '--on-conflict draft or host decides for all of them, --interactive asks for each';
    throw new ApplyRefused({ message, hint }, { conflicts: plan.conflicts });
  }
  const refused = new Set(plan.conflicts.map(({ change }) => change));
  return complete(
    plan,
    plan.changes.filter((change) => !refused.has(change)).map((change) => ({ change })),
  );
}

function refuseWithoutPermit({ reviewed }: ApplyPlan, permits: ReadonlySet<Permit>): void {
  const changes = reviewed.filter((one) => one.permits.some((permit) => !permits.has(permit)));
  if (changes.length === 0) return;
  const missing = new Set(changes.flatMap((one) => one.permits.filter((permit) => !permits.has(permit))));
  const words = [...missing].map((permit) => WORDS[permit]).join(' ');
  throw new ApplyRefused(
    {
      message: 'nothing is applied: the changes above want a word of their own',
      hint: `look at them, then add ${words}, or leave them out with --only`,
    },
    { changes, permits: [...missing] },
  );
}

/** @throws UserError when one that was refused is needed for one that was not. */
export function complete({ opened }: ApplyPlan, chosen: readonly ChosenChange[]): ChosenChange[] {
  const wanted = new Set(chosen.map(({ change }) => change));
  const missing = withNeeded(opened.all.changes, wanted).find((change) => !wanted.has(change));
  if (missing === undefined) return [...chosen];
  const path = displayName(joined(missing.area.path, missing.path));
  throw new UserError(`nothing is applied: what was chosen cannot be without '${path}', which was not`);
}
