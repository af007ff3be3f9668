/** What `plyfs drafts` tells of each draft; nothing is walked. */

import { containerStatus } from '../container/record/status.js';
import { sinceText } from '../container/view/status-text.js';
import type { Store } from '../store/store.js';
import { displayName } from '../vfs/name.js';
import { servedAreas } from './mount/mount-areas.js';
import { listBindDrafts } from './record/bind-draft.js';
import { type DraftRecord, isOfMount, listDrafts, tryLockDraft } from './record/draft-record.js';

export interface ListedDraft {
  readonly record: DraftRecord;
  /** `5 minutes ago`. */
  readonly age: string;
  readonly isUsed: boolean;
  /** Text; `/` for the whole tree. */
  readonly over: readonly string[];
}

/** @param options whether binds with `cow` of containers and mounts are told too. */
export function describeDrafts(
  store: Store,
  { withBinds = false }: { readonly withBinds?: boolean } = {},
): ListedDraft[] {
  const records = [...listDrafts(store), ...(withBinds ? listBindDrafts(store) : [])];
  return records.map((record) => ({
    record,
    age: `${sinceText(record.createdAt, Date.now())} ago`,
    isUsed: isUsed(store, record),
    over: record.over.length === 0 ? ['/'] : record.over.map(displayName),
  }));
}

/** Whether a command of plyfs works with it, or something that ran in it still has it mounted. */
function isUsed(store: Store, record: DraftRecord): boolean {
  const lock = tryLockDraft(store, record);
  lock?.[Symbol.dispose]();
  return lock === undefined || isServed(store, record);
}

/** Whether a daemon serves one of its areas; of a bind, whether its container is mounted. */
export function isServed(store: Store, record: DraftRecord): boolean {
  const { bind } = record;
  // Whoever has it mounted holds its lock.
  if (isOfMount(bind)) return false;
  if (bind !== undefined) return containerStatus(store, { id: bind.container }).isMounted;
  return servedAreas(store, record).length > 0;
}
