/** What an apply would carry out, looked at before anything is written. */

import type { Store } from '../store/store.js';
import { withNeeded } from './apply/choose-changes.js';
import { type Conflict, conflictOf } from './apply/find-conflicts.js';
import { readRestored } from './apply/restored.js';
import { recoverApplies } from './apply/undo-apply.js';
import type { Change } from './changes/change.js';
import { type DraftChanges, openChanges, treesOf } from './changes/list-changes.js';
import { selectorOf } from './changes/select-changes.js';
import { assertUnused } from './discard-draft.js';
import { hideLeftAreas } from './mount/mount-areas.js';
import { findDraftOrBind } from './record/bind-draft.js';
import { type DraftRecord, lockDraft } from './record/draft-record.js';
import { type ReviewedChange, reviewChange } from './review-draft.js';

interface OpenedDraft extends AsyncDisposable {
  readonly store: Store;
  readonly record: DraftRecord;
  readonly all: DraftChanges;
}

/** Locks the draft. @throws UserError when it is in use. */
export async function openForApply(store: Store, name: string): Promise<OpenedDraft> {
  recoverApplies(store);
  const lock = lockDraft(store, findDraftOrBind(store, name));
  try {
    const record = findDraftOrBind(store, name);
    await hideLeftAreas(store, record);
    assertUnused(store, record);
    const all = openChanges(store, record);
    return {
      store,
      record,
      all,
      [Symbol.asyncDispose]: async () => {
        all[Symbol.dispose]();
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

export interface ApplyPlan {
  readonly opened: OpenedDraft;
  /** Those that were asked for, and what they need. */
  readonly changes: readonly Change[];
  readonly reviewed: readonly ReviewedChange[];
  readonly conflicts: readonly Conflict[];
}

/** @param only paths or globs; none: everything. */
export function planApply(
  opened: OpenedDraft,
  { only, cwd }: { readonly only: readonly string[]; readonly cwd: string },
): ApplyPlan {
  const { all, record } = opened;
  const changes = withNeeded(all.changes, all.changes.filter(selectorOf(only, cwd)));
  const sinceMs = Date.parse(record.since ?? record.createdAt);
  const history = { sinceMs, restored: readRestored(opened.store, record) };
  const conflicts = changes
    .map((change) => conflictOf(treesOf(all, change), change, history))
    .filter((one) => one !== undefined);
  return {
    opened,
    changes,
    reviewed: changes.map((change) => reviewChange(all, change, { withHunks: true })),
    conflicts,
  };
}
