/** What commands about snapshots are about. */

import type { SnapshotTarget } from '../../../snapshot/snapshot-target.js';
import type { ContainerRecord } from '../../../store/container-record.js';
import type { Store } from '../../../store/store.js';
import { openStore, type StoreFlags } from '../../frame/store-command.js';

export const TARGET_TEXT =
  'a container, volume, draft or mount point; container:, volume:, draft: or mount: before it says which';

/** @throws UserError when there is no such thing. */
export async function openTarget(text: string, flags: StoreFlags): Promise<SnapshotTarget> {
  const { findSnapshotTarget } = await import('../../../snapshot/find-snapshot-target.js');
  return findSnapshotTarget(await openStore(flags), text);
}

/** For what only containers have. @throws UserError when there is no such container. */
export async function openOneContainer(
  text: string,
  flags: StoreFlags,
): Promise<{ readonly store: Store; readonly record: ContainerRecord }> {
  const { resolveContainer } = await import('../../../container/record/find.js');
  const store = await openStore(flags);
  return { store, record: resolveContainer(store, text) };
}
