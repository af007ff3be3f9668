/** What programs ask of drafts, where nobody is asked in between: the library and the tools of `plyfs mcp`. */

import { UserError } from '../errno/user-error.js';
import type { Store } from '../store/store.js';
import { displayName } from '../vfs/name.js';
import { applyToHost } from './apply/apply-draft.js';
import { lastApply, recoverApplies, undoApply } from './apply/undo-apply.js';
import { joined } from './changes/beneath-tree.js';
import { openChanges } from './changes/list-changes.js';
import { selectorOf } from './changes/select-changes.js';
import { type ApplyWords, chooseWithoutAsking } from './choose-without-asking.js';
import { type ChangeDescription, describeChange } from './describe-change.js';
import { discardChanges } from './discard-changes.js';
import { assertUnused, discardDraft } from './discard-draft.js';
import { hideLeftAreas } from './mount/mount-areas.js';
import { openForApply, planApply } from './prepare-apply.js';
import { currentDraft, findDraftOrBind } from './record/bind-draft.js';
import { lockDraft } from './record/draft-record.js';
import { reviewChange } from './review-draft.js';

/** Paths, directories or globs; relative ones are taken from the working directory. Undefined: everything. */
type Selection = readonly string[] | undefined;

interface ReviewRange {
  readonly only: Selection;
  readonly withHunks: boolean;
  readonly offset: number;
  readonly limit: number;
}

/** The changes of a draft from `offset` on, and how many there are. @throws UserError */
export function reviewDraft(
  store: Store,
  name: string,
  { only = [], withHunks, offset, limit }: ReviewRange,
): { readonly total: number; readonly changes: ChangeDescription[] } {
  recoverApplies(store);
  using all = openChanges(store, findDraftOrBind(store, name));
  const wanted = all.changes.filter(selectorOf(only, process.cwd()));
  const part = wanted.slice(offset, offset + limit);
  return {
    total: wanted.length,
    changes: part.map((change) => describeChange(reviewChange(all, change, { withHunks }))),
  };
}

/** @returns what was carried out. @throws ApplyRefused, or UserError; the host is as it was then. */
export async function applyDraft(
  store: Store,
  name: string,
  { only = [], ...words }: ApplyWords & { readonly only: Selection },
): Promise<ChangeDescription[]> {
  await using opened = await openForApply(store, name);
  const plan = planApply(opened, { only, cwd: process.cwd() });
  const chosen = chooseWithoutAsking(plan, words);
  if (chosen.length > 0) applyToHost(store, opened.record, opened.all, chosen);
  const applied = new Set(chosen.map(({ change }) => change));
  return plan.reviewed.filter(({ change }) => applied.has(change)).map(describeChange);
}

/** Throws the draft away, or changes of it. @returns the paths of these; undefined: the draft is gone. @throws UserError */
export async function discardFromDraft(
  store: Store,
  name: string,
  only: Selection,
): Promise<string[] | undefined> {
  recoverApplies(store);
  if (only === undefined) {
    await discardDraft(store, name);
    return undefined;
  }
  const taken = await discardChanges(store, name, { only, cwd: process.cwd() });
  if (taken.length > 0) return taken.map(({ area, path }) => displayName(joined(area.path, path)));
  throw new UserError(`draft '${name}' has no such change`, {
    code: 'ERR_NOT_FOUND',
    hint: `plyfs review ${name}`,
  });
}

/**
 * Takes the last apply back.
 * @returns its draft, and whether that has its changes again.
 * @throws UserError when there is none, the draft is in use, or the host was changed since in the same places.
 */
export async function undoLastApply(
  store: Store,
): Promise<{ readonly draft: string; readonly isRefilled: boolean }> {
  recoverApplies(store);
  const last = lastApply(store);
  if (last === undefined) throw new UserError('there is no apply to take back', { code: 'ERR_NOT_FOUND' });
  const { name } = last.draft;
  const record = currentDraft(store, last.draft);
  if (record === undefined) return { draft: name, isRefilled: undoApply(store, last) };
  using _lock = lockDraft(store, record);
  await hideLeftAreas(store, record);
  assertUnused(store, record);
  return { draft: name, isRefilled: undoApply(store, last) };
}
