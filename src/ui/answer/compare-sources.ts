/** What differs between two sources. */

import { openNamedTree } from '../../container/changes/named-tree.js';
import { hunkLines } from '../../draft/changes/text-hunks.js';
import { TreeHunks } from '../../draft/changes/tree-hunks.js';
import { UserError } from '../../errno/user-error.js';
import { compareTrees } from '../../image/contents/compare-trees.js';
import type { Store } from '../../store/store.js';
import { displayName, type Name } from '../../vfs/name.js';
import type { CompareReply, HunksReply } from '../api.js';

const MOST_DIFFERENCES = 5000;
const MOST_LINES = 2000;

interface Sides {
  readonly before: string;
  readonly after: string;
}

export async function compareSources(
  store: Store,
  sides: Sides,
  options: { readonly ignoresTimes: boolean },
): Promise<CompareReply> {
  using before = await openNamedTree(store, checked(sides.before));
  using after = await openNamedTree(store, checked(sides.after));
  const differences = compareTrees(before.fs, after.fs, options);
  return {
    count: differences.length,
    differences: differences.slice(0, MOST_DIFFERENCES).map(({ path, from, ...rest }) => ({
      ...rest,
      path: displayName(path),
      from: from === undefined ? undefined : displayName(from),
    })),
  };
}

export async function hunksBetween(store: Store, sides: Sides, path: Name): Promise<HunksReply> {
  using before = await openNamedTree(store, checked(sides.before));
  using after = await openNamedTree(store, checked(sides.after));
  const hunks = new TreeHunks(before.fs, after.fs).at(path);
  return { lines: hunks?.flatMap(hunkLines).slice(0, MOST_LINES) };
}

/** What the store has; the rest of the host is not shown by the page. */
function checked(name: string): string {
  if (!/^[/.]|^dir:/.test(name)) return name;
  throw new UserError(`cannot compare '${name}': the page shows what the store has`, {
    hint: "'plyfs image diff' compares directories",
  });
}
