/** Takes single changes out of a draft: where they were, the host's objects show again. */

import { UserError } from '../errno/user-error.js';
import { S_IFCHR, S_IFDIR } from '../linux/constants.js';
import type { Store } from '../store/store.js';
import { displayName } from '../vfs/name.js';
import { discardForGood, finishDiscard } from './apply/discarding.js';
import { type Forgotten, forgottenOf } from './apply/forget-changes.js';
import { joined } from './changes/beneath-tree.js';
import type { Change } from './changes/change.js';
import { openChanges, treesOf } from './changes/list-changes.js';
import type { AreaTrees } from './changes/scan-area.js';
import { selectorOf } from './changes/select-changes.js';
import { assertUnused } from './discard-draft.js';
import { hideLeftAreas } from './mount/mount-areas.js';
import { findDraftOrBind } from './record/bind-draft.js';
import { lockDraft } from './record/draft-record.js';

/**
 * @param only paths or globs.
 * @returns what was taken out, what lies in a new or renamed directory along with it.
 * @throws UserError when something still runs in the draft, or one of them cannot be without others.
 */
export async function discardChanges(
  store: Store,
  name: string,
  { only, cwd }: { readonly only: readonly string[]; readonly cwd: string },
): Promise<Change[]> {
  const record = findDraftOrBind(store, name);
  using _lock = lockDraft(store, record);
  await hideLeftAreas(store, record);
  assertUnused(store, record);
  finishDiscard(store, record);
  using all = openChanges(store, record);
  const chosen = withContained(all.changes, all.changes.filter(selectorOf(only, cwd)));
  for (const change of chosen) {
    assertApart(change, all.changes, chosen);
    assertRemovable(treesOf(all, change), change);
  }
  const inArea = (id: string): Forgotten[] =>
    // Directories go with whatever is in them.
    chosen
      .filter(({ area }) => area.id === id)
      .map((change) => ({ ...forgottenOf(change), isDirectory: false }));
  if (chosen.length > 0)
    discardForGood(store, record, Object.fromEntries(record.areas.map(({ id }) => [id, inArea(id)])));
  return chosen;
}

function withContained(all: readonly Change[], chosen: readonly Change[]): Change[] {
  const folders = chosen.filter(
    ({ draft, kind, facets }) => draft?.type === S_IFDIR && (kind !== 'changed' || facets.includes('type')),
  );
  const isIn = (change: Change): boolean =>
    folders.some(({ area, path }) => area.id === change.area.id && change.path.startsWith(`${path}/`));
  return all.filter((change) => chosen.includes(change) || isIn(change));
}

/** @throws UserError */
function assertApart(change: Change, all: readonly Change[], chosen: readonly Change[]): void {
  const { draft } = change;
  const shown = displayName(joined(change.area.path, change.path));
  const others = (is: (other: Change) => boolean): boolean =>
    all.some(
      (other) => other !== change && other.area.id === change.area.id && !chosen.includes(other) && is(other),
    );
  if (
    draft !== undefined &&
    draft.type !== S_IFDIR &&
    draft.nlink > 1 &&
    (change.base !== undefined || others((other) => other.draft?.ino === draft.ino))
  )
    throw new UserError(`cannot discard '${shown}' alone: it has other names`, {
      hint: 'discard the draft, or apply it',
    });
  if (others((other) => other.kind === 'moved' && other.hostPath === change.path))
    throw new UserError(`cannot discard '${shown}' alone: what had the name was renamed`, {
      hint: 'discard that too',
    });
}

/** Its place in upper can go, and the host's object shows. @throws UserError */
function assertRemovable({ upper, host }: AreaTrees, { kind, path, draft, facets }: Change): void {
  if (kind === 'deleted' && upper.look(path)?.type !== S_IFCHR)
    throw notAlone(`the deletion of '${host.shown(path)}'`);
  if (kind === 'changed' && draft?.type === S_IFDIR && !facets.includes('type'))
    throw notAlone(`the attributes of '${host.shown(path)}'`);
}

function notAlone(what: string): UserError {
  return new UserError(`cannot discard ${what} alone`, {
    hint: 'leave it, and what you want of the rest can be applied with --only',
  });
}
