/** What was applied as a whole is no longer in the draft: the host has it. May be interrupted, and is run again. */

import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { crashPoint } from '../../store/crash-point.js';
import { FOLDER_MODE } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import { type DraftRecord, draftHome, readDraft, writeDraft } from '../record/draft-record.js';

/** All of it: its areas go to `kept`, and it begins anew, over the host as it is now. */
export function emptyDraft(store: Store, name: string, kept: string): void {
  const record = readDraft(store, name);
  if (record === undefined) return;
  const areas = store.path(draftHome(name), 'areas');
  if (!existsSync(kept)) {
    renameSync(areas, kept);
    crashPoint();
  }
  makeDirectories(areas, FOLDER_MODE);
  writeDraft(store, { ...record, areas: [], since: new Date().toISOString() });
}

/** The reverse, unless the draft has been used since; may be run again until it has been whole. @returns whether it has its changes again. */
export function refillDraft(store: Store, before: DraftRecord, kept: string): boolean {
  const record = readDraft(store, before.name);
  if (record === undefined || !existsSync(kept)) return false;
  const areas = store.path(draftHome(before.name), 'areas');
  const isUsed = namesIn(areas).some((id) => namesIn(`${areas}/${id}/upper`).length > 0);
  if (isUsed) return false;
  rmSync(areas, { recursive: true, force: true });
  writeDraft(store, before);
  crashPoint();
  renameSync(kept, areas);
  return true;
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
