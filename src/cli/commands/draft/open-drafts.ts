/** The store for commands about drafts: an apply or discard that was killed half-way is seen to before anybody looks. */

import { namesInFolder } from '../../../store/atomic-file.js';
import type { Store } from '../../../store/store.js';
import { openStore, type StoreFlags } from '../../frame/store-command.js';

export async function openDrafts(flags: StoreFlags): Promise<Store> {
  const store = await openStore(flags);
  if (namesInFolder(store.path('drafts')).length === 0) return store;
  const { recoverApplies } = await import('../../../draft/apply/undo-apply.js');
  recoverApplies(store);
  return store;
}
