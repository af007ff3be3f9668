/**
 * Changes that leave a draft for good, all or none: `discarding/` in the draft's folder says which, before the first goes, and they wait
 * in it as they were until the last has gone. Of a command that was killed the next one about drafts does the rest.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { readJson, writeJson } from '../../store/atomic-file.js';
import { crashPoint } from '../../store/crash-point.js';
import type { StorePath } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { openAreaTrees } from '../changes/scan-area.js';
import { areaHome, type DraftRecord, draftFolder, listDrafts, tryLockDraft } from '../record/draft-record.js';
import { type Forgotten, forgetChanges } from './forget-changes.js';

/** By area. */
type Discarded = Readonly<Record<string, readonly Forgotten[]>>;

const FOLDER_MODE = 0o700;
const RECORD = 'changes.json';

const folderOf = (record: DraftRecord): StorePath => join(draftFolder(record), 'discarding');

/** PRECONDITION: the draft is locked, and nobody has it mounted. @throws FsError */
export function discardForGood(store: Store, record: DraftRecord, discarded: Discarded): void {
  const folder = store.path(folderOf(record));
  makeDirectories(folder, FOLDER_MODE);
  writeJson(join(folder, RECORD), discarded, 0o600);
  finishDiscard(store, record);
}

/** What a killed command has begun. PRECONDITION: as of `discardForGood()`. */
export function finishDiscard(store: Store, record: DraftRecord): void {
  const folder = folderOf(record);
  if (!existsSync(store.path(folder))) return;
  const discarded = (readJson(store.path(folder, RECORD)) ?? {}) as Discarded;
  for (const area of record.areas) {
    const changes = discarded[area.id] ?? [];
    if (changes.length === 0) continue;
    using trees = openAreaTrees(area, nameFromText(`${areaHome(store, record, area)}/upper`));
    forgetChanges(trees, changes, store.path(folder, area.id));
  }
  crashPoint();
  store.locked(() => store.discard(folder));
}

/** After this, no draft is half-discarded but those that are at it. */
export function finishDiscards(store: Store): void {
  for (const record of listDrafts(store)) {
    if (!existsSync(store.path(folderOf(record)))) continue;
    using lock = tryLockDraft(store, record);
    if (lock !== undefined) finishDiscard(store, record);
  }
}
