/**
 * Objects of the host that an apply has touched and put back: their ctime is of the taking back, and says nothing of the host. By it
 * they are told from those that the host has changed.
 *
 * drafts/NAME/restored.json, and beside upper of a bind with `cow`
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../../store/atomic-file.js';
import type { Store } from '../../store/store.js';
import type { Side } from '../changes/beneath-tree.js';
import { type DraftIdentity, draftFolder } from '../record/draft-record.js';

/** By `AREA:INODE`: ctime. */
export type Restored = Readonly<Record<string, readonly [sec: number, nsec: number]>>;

export function readRestored(store: Store, draft: DraftIdentity): Restored {
  return (readJson(fileOf(store, draft)) as Restored | undefined) ?? {};
}

/** Adds what a taking back has touched; of a draft that is gone nothing is kept. */
export function noteRestored(store: Store, draft: DraftIdentity, touched: Restored): void {
  if (!existsSync(draftFolder(store, draft))) return;
  writeJson(fileOf(store, draft), { ...readRestored(store, draft), ...touched }, 0o600);
}

/** Whether the object is as a taking back has left it. */
export function isRestored(restored: Restored, area: string, { ino, ctimeSec, ctimeNsec }: Side): boolean {
  const stamp = restored[restoredKey(area, ino)];
  return stamp !== undefined && stamp[0] === ctimeSec && stamp[1] === ctimeNsec;
}

export function restoredKey(area: string, ino: number): string {
  return `${area}:${ino}`;
}

function fileOf(store: Store, draft: DraftIdentity): string {
  return join(draftFolder(store, draft), 'restored.json');
}
