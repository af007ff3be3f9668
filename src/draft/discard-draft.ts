/** Throws a draft, or what was changed in a bind with `cow`, away. The host's tree was never touched, so nothing has to be put back. */

import { UserError } from '../errno/user-error.js';
import type { Store } from '../store/store.js';
import { forgetCowBind } from '../store/uppers/cow-binds.js';
import { nameFromText } from '../vfs/name.js';
import { removeFolder } from './apply/discarding.js';
import { isServed } from './list-drafts.js';
import { hideLeftAreas } from './mount/mount-areas.js';
import { findDraftOrBind } from './record/bind-draft.js';
import { type DraftRecord, draftFolder, isOfMount, lockDraft } from './record/draft-record.js';

/** @throws UserError when something still runs in it. */
export async function discardDraft(store: Store, name: string): Promise<void> {
  const record = findDraftOrBind(store, name);
  using _lock = lockDraft(store, record);
  await hideLeftAreas(store, record);
  assertUnused(store, record);
  // Of a bind, its folder is made anew at the next start.
  removeFolder(store, record, draftFolder(store, record));
  if (isOfMount(record.bind)) forgetCowBind(store.root, nameFromText(record.bind.folder));
}

/** PRECONDITION: the draft is locked. @throws UserError when a process has it mounted. */
export function assertUnused(store: Store, record: DraftRecord): void {
  if (!isServed(store, record)) return;
  const { name, bind } = record;
  if (bind !== undefined) {
    const container = name.slice(0, name.indexOf(':'));
    throw new UserError(`'${name}' is in use: its container is running, or mounted`, {
      code: 'ERR_IN_USE',
      hint: `'plyfs stop ${container}', or 'plyfs container umount ${container}'`,
    });
  }
  throw new UserError(`draft '${name}' is in use by processes that a command in it has left behind`, {
    code: 'ERR_IN_USE',
    hint: 'end them first',
  });
}
