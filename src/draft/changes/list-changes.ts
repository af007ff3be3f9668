/** The changes of a draft: those of all its areas, in the order in which they are told. */

import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { areaHome, type DraftRecord } from '../record/draft-record.js';
import { joined } from './beneath-tree.js';
import type { Change, ChangeKind } from './change.js';
import { type AreaTrees, openAreaTrees, scanArea } from './scan-area.js';

const ORDER: readonly ChangeKind[] = ['deleted', 'moved', 'added', 'changed'];

export interface DraftChanges extends Disposable {
  /** Deletions first. */
  readonly changes: readonly Change[];
  readonly trees: ReadonlyMap<string, AreaTrees>;
}

/** The trees stay open for who looks closer. @throws FsError */
export function openChanges(store: Store, record: DraftRecord): DraftChanges {
  const trees = new Map<string, AreaTrees>();
  const closeAll = (): void => {
    for (const one of trees.values()) one[Symbol.dispose]();
  };
  try {
    const changes = record.areas.flatMap((area) => {
      const opened = openAreaTrees(area, nameFromText(`${areaHome(store, record, area)}/upper`));
      trees.set(area.id, opened);
      return scanArea(opened);
    });
    return { changes: inOrder(changes), trees, [Symbol.dispose]: closeAll };
  } catch (error) {
    closeAll();
    throw error;
  }
}

export function treesOf({ trees }: Pick<DraftChanges, 'trees'>, { area }: Change): AreaTrees {
  const found = trees.get(area.id);
  if (found === undefined) throw new Error(`area ${area.id} is not open`);
  return found;
}

function inOrder(changes: readonly Change[]): Change[] {
  const keyed = changes.map((change) => ({ change, path: joined(change.area.path, change.path) }));
  keyed.sort(
    (a, b) =>
      ORDER.indexOf(a.change.kind) - ORDER.indexOf(b.change.kind) ||
      (a.path < b.path ? -1 : Number(a.path > b.path)),
  );
  return keyed.map(({ change }) => change);
}
