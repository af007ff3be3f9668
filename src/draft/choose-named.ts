/**
 * Which changes of a draft are carried out, where they are chosen by what names them and not by a person at a terminal: checked as
 * `plyfs apply` checks them. Nothing is written here.
 */

import { UserError } from '../errno/user-error.js';
import { displayName } from '../vfs/name.js';
import type { ChosenChange } from './apply/apply-area.js';
import type { Permit } from './changes/attention.js';
import { joined } from './changes/beneath-tree.js';
import type { Change } from './changes/change.js';
import { treesOf } from './changes/list-changes.js';
import { withHunks } from './changes/text-hunks.js';
import { complete } from './choose-without-asking.js';
import type { ApplyPlan } from './prepare-apply.js';
import { hostText, type ReviewedChange } from './review-draft.js';

export interface NamedChange {
  /** As `changeKey()` has it. */
  readonly key: string;
  /** Which of its hunks, from 0; undefined: all. */
  readonly hunks?: readonly number[] | undefined;
  /** The host has changed it too, and the draft's side is to win. */
  readonly overridesHost?: boolean | undefined;
}

/** Names a change while the draft stays as it is. */
export function changeKey({ area, kind, path }: Change): string {
  return `${kind} ${area.id} ${displayName(path)}`;
}

/**
 * @param permits what was said yes to: setuid, devices, hooks.
 * @throws UserError when one is not there any more, wants a word, conflicts, or cannot be without another.
 */
export function chooseNamed(
  plan: ApplyPlan,
  named: readonly NamedChange[],
  permits: ReadonlySet<Permit>,
): ChosenChange[] {
  const byKey = new Map(plan.reviewed.map((one) => [changeKey(one.change), one]));
  const conflicts = new Map(plan.conflicts.map((one) => [one.change, one]));
  const chosen = named.map((choice): ChosenChange => {
    const one = byKey.get(choice.key);
    if (one === undefined)
      throw new UserError('nothing is applied: the draft has changed since it was looked at', {
        hint: 'review it again',
      });
    const path = shownPath(one.change);
    const lacking = one.permits.filter((permit) => !permits.has(permit));
    if (lacking.length > 0)
      throw new UserError(`nothing is applied: '${path}' wants a word of its own: ${lacking.join(', ')}`);
    const conflict = conflicts.get(one.change);
    if (conflict !== undefined && choice.overridesHost !== true)
      throw new UserError(`nothing is applied: conflict at '${path}': ${conflict.what}`);
    return withChosenHunks(plan, one, choice.hunks);
  });
  return complete(plan, chosen);
}

function withChosenHunks(
  { opened }: ApplyPlan,
  { change, hunks = [] }: ReviewedChange,
  wanted: readonly number[] | undefined,
): ChosenChange {
  if (wanted === undefined || wanted.length === hunks.length) return { change };
  const before = hostText(treesOf(opened.all, change), change);
  const accepted = hunks.filter((_, index) => wanted.includes(index));
  const text = before === undefined ? undefined : withHunks(before, accepted);
  if (text === undefined)
    throw new UserError(`nothing is applied: the hunks of '${shownPath(change)}' do not fit`);
  return { change, text };
}

function shownPath({ area, path }: Change): string {
  return displayName(joined(area.path, path));
}
