/**
 * `plyfs doctor` on the store: what is wrong in it, and `--fix`.
 */

import { existsSync } from 'node:fs';
import { messageOf } from '../../../errno/reason.js';
import type { Store } from '../../../store/store.js';
import type { DoctorFinding } from '../finding.js';
import { checkContainers } from './check-containers.js';
import { checkImages } from './check-images.js';
import { checkLeftovers } from './check-leftovers.js';
import { checkMounts } from './check-mounts.js';
import { checkVolumes } from './check-volumes.js';
import type { StoreProblem } from './problem.js';

/** In the order in which to mend: a mount before what it lies in, leftovers before what they may complete. */
const CHECKS: readonly ((store: Store) => StoreProblem[])[] = [
  checkMounts,
  checkLeftovers,
  checkImages,
  checkContainers,
  checkVolumes,
];

export function checkStore(store: Store): StoreProblem[] {
  if (!existsSync(store.root)) return checkMounts(store);
  return CHECKS.flatMap((check) => check(store));
}

/** A finding for each problem; one that all is well when there is none. */
export function storeFindings(store: Store, problems: readonly StoreProblem[]): DoctorFinding[] {
  if (problems.length === 0) {
    const detail = existsSync(store.root)
      ? `'${store.root}' is consistent`
      : `'${store.root}' is not there yet`;
    return [{ name: 'store', ok: 'ok', detail, cost: '' }];
  }
  return problems.map(({ what, cost, remedy }) => ({
    name: 'store',
    ok: 'warn',
    detail: what,
    cost: `${cost}; 'plyfs doctor --fix' will ${remedy}`,
  }));
}

/** What became of the mending; `failed` says why it was not possible. */
interface Mended {
  readonly problem: StoreProblem;
  readonly failed: string | undefined;
}

/** Checks again after each kind, since mending one thing brings another to light. */
export async function mendStore(store: Store): Promise<Mended[]> {
  const mended: Mended[] = [];
  for (const check of CHECKS) {
    if (check !== checkMounts && !existsSync(store.root)) continue;
    for (const problem of check(store)) {
      let failed: string | undefined;
      try {
        await problem.mend();
      } catch (error) {
        failed = messageOf(error);
      }
      mended.push({ problem, failed });
    }
  }
  return mended;
}
