/** What a session has done lately, for `plyfs top`, `metrics` and the page. */

import { displayName } from '../../../vfs/name.js';
import type { RecentActivity } from '../../messages/activity-report.js';
import type { ServedTree } from '../served-tree.js';
import type { SessionJournal } from './session-journal.js';

const MOST_CHANGES = 100;

/** @param journal undefined: the session does not serve yet. */
export function recentActivity(tree: ServedTree, journal: SessionJournal | undefined): RecentActivity {
  const changes = tree.history.latest(MOST_CHANGES).map((change) => ({
    ...change,
    path: `/${displayName(change.path)}`,
  }));
  const { failures = [], slowRequests: slow = [] } = journal ?? {};
  return { failures, slow, changes, full: tree.fullStorages() };
}
