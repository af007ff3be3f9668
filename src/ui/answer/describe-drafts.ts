/** Drafts, and what each would change on the host: as `plyfs drafts` and `plyfs review` tell it, with conflicts. */

import { conflictOf } from '../../draft/apply/find-conflicts.js';
import { readRestored } from '../../draft/apply/restored.js';
import { openChanges, treesOf } from '../../draft/changes/list-changes.js';
import { changeKey } from '../../draft/choose-named.js';
import { describeDrafts } from '../../draft/list-drafts.js';
import { findDraftOrBind } from '../../draft/record/bind-draft.js';
import { type DraftRecord, isOfMount } from '../../draft/record/draft-record.js';
import { reviewChange } from '../../draft/review-draft.js';
import type { Store } from '../../store/store.js';
import { displayName } from '../../vfs/name.js';
import type { DraftsReply, ReviewReply } from '../api.js';

/** More are told by their number; `plyfs review` shows all. */
const MOST_CHANGES = 2_000;
const MOST_HUNKS = 200;

export function listedDrafts(store: Store): DraftsReply {
  return {
    drafts: describeDrafts(store, { withBinds: true }).map(({ record, age, isUsed, over }) => ({
      name: record.name,
      age,
      isUsed,
      over,
      command: (record.lastCommand ?? []).join(' '),
      source: sourceOf(record),
    })),
  };
}

function sourceOf({ name, bind }: DraftRecord): string | undefined {
  if (isOfMount(bind)) return `mount:${displayName(bind.mountpoint)}`;
  return bind && `container:${name.slice(0, name.indexOf(':'))}`;
}

/** @throws UserError when there is no such draft. */
export function reviewedDraft(store: Store, name: string): ReviewReply {
  const record = findDraftOrBind(store, name);
  using all = openChanges(store, record);
  const history = {
    sinceMs: Date.parse(record.since ?? record.createdAt),
    restored: readRestored(store, record),
  };
  const shown = all.changes.slice(0, MOST_CHANGES);
  return {
    count: all.changes.length,
    changes: shown.map((change) => {
      const one = reviewChange(all, change, { withHunks: true });
      const hunks = one.hunks?.slice(0, MOST_HUNKS);
      return {
        key: changeKey(change),
        kind: change.kind,
        path: displayName(one.path),
        from: one.from === undefined ? undefined : displayName(one.from),
        type: one.type,
        notes: [...one.notes.map(displayName), ...(one.contentKind === undefined ? [] : [one.contentKind])],
        marks: one.marks,
        permits: one.permits,
        conflict: conflictOf(treesOf(all, change), change, history)?.what,
        // Cut ones are taken or left as a whole.
        hunks:
          hunks?.length === one.hunks?.length
            ? hunks?.map(({ oldStart, oldLines, newStart, newLines, lines }) => ({
                place: `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
                lines,
              }))
            : undefined,
      };
    }),
  };
}
