/**
 * Changes that leave a draft for good, all or none: `discarding/` in the draft's folder says which, before the first goes, and they wait
 * in it as they were until the last has gone. Of a command that was killed the next one about drafts does the rest.
 */

import { existsSync, renameSync } from 'node:fs';
import { join, relative } from 'node:path';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { isOwn, readJson, writeJson } from '../../store/atomic-file.js';
import { crashPoint } from '../../store/crash-point.js';
import { deleteTree } from '../../store/delete-tree.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { openAreaTrees } from '../changes/scan-area.js';
import { listMountBinds } from '../record/bind-draft.js';
import {
  areaHome,
  type DraftRecord,
  draftFolder,
  isOfMount,
  listDrafts,
  tryLockDraft,
} from '../record/draft-record.js';
import { type Forgotten, forgetChanges } from './forget-changes.js';

/** By area. */
type Discarded = Readonly<Record<string, readonly Forgotten[]>>;

const FOLDER_MODE = 0o700;
const RECORD = 'changes.json';

const folderOf = (store: Store, record: DraftRecord): string =>
  join(draftFolder(store, record), 'discarding');

/** PRECONDITION: the draft is locked, and nobody has it mounted. @throws FsError */
export function discardForGood(store: Store, record: DraftRecord, discarded: Discarded): void {
  const folder = folderOf(store, record);
  makeDirectories(folder, FOLDER_MODE);
  writeJson(join(folder, RECORD), discarded, 0o600);
  finishDiscard(store, record);
}

/** What a killed command has begun; another user's is left to him. PRECONDITION: as of `discardForGood()`. */
export function finishDiscard(store: Store, record: DraftRecord): void {
  const folder = folderOf(store, record);
  if (!existsSync(folder) || !isOwn(join(folder, RECORD))) return;
  const discarded = (readJson(join(folder, RECORD)) ?? {}) as Discarded;
  for (const area of record.areas) {
    const changes = discarded[area.id] ?? [];
    if (changes.length === 0) continue;
    using trees = openAreaTrees(area, nameFromText(`${areaHome(store, record, area)}/upper`));
    forgetChanges(trees, changes, join(folder, area.id));
  }
  crashPoint();
  removeFolder(store, record, folder);
}

/** Takes a folder of a draft's away, or the draft itself, at once: half of it is never there. PRECONDITION: the draft is locked. */
export function removeFolder(store: Store, { bind }: DraftRecord, folder: string): void {
  if (!isOfMount(bind)) {
    store.locked(() => store.discard(relative(store.root, folder)));
    return;
  }
  // Not in the store, which may be another file system.
  const trash = `${folder}.discarded`;
  deleteTree(trash);
  if (existsSync(folder)) renameSync(folder, trash);
  crashPoint();
  deleteTree(trash);
}

/** After this, no draft is half-discarded but those that are at it. */
export function finishDiscards(store: Store): void {
  for (const record of [...listDrafts(store), ...listMountBinds(store)]) {
    if (!existsSync(folderOf(store, record))) continue;
    using lock = tryLockDraft(store, record);
    if (lock !== undefined) finishDiscard(store, record);
  }
}
