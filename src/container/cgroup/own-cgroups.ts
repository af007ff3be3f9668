/** The cgroups of one container: whether its options want some, which, and what is done to them in its life. */

import { UserError } from '../../errno/user-error.js';
import type { RunnableRootfs } from '../../store/container-record.js';
import type { ShownCgroup } from '../enter/enter-request.js';
import { makeCgroups } from './cgroup.js';
import { deviceNeed, deviceRules } from './device-rules.js';
import { readHierarchies } from './hosts.js';
import { type PlannedCgroup, planCgroups } from './plan-cgroups.js';

type Limited = Pick<RunnableRootfs, 'id' | 'mounts' | 'privileged' | 'runtime'>;

/** @throws UserError that says why a limit cannot be kept. */
export function plannedCgroups(record: Limited): PlannedCgroup[] {
  const need = deviceNeed(record);
  const limits = record.runtime?.limits ?? {};
  if (need === 'none' && Object.keys(limits).length === 0) return [];
  const hierarchies = readHierarchies();
  const name = `plyfs-${record.id}`;
  try {
    return planCgroups(name, { limits, devices: need !== 'none' }, hierarchies);
  } catch (error) {
    if (!(error instanceof UserError) || need !== 'better') throw error;
    return planCgroups(name, { limits, devices: false }, hierarchies);
  }
}

/** @returns their directories; none where nothing is limited. @throws UserError; none is left then. */
export function makeOwnCgroups(record: Limited): string[] {
  const planned = plannedCgroups(record);
  return planned.length === 0 ? [] : makeCgroups(planned, deviceRules(record));
}

/** Where the container sees them: at the place of their hierarchy. */
export function shownCgroups(paths: readonly string[]): ShownCgroup[] {
  if (paths.length === 0) return [];
  const hierarchies = readHierarchies();
  return paths.flatMap((source) => {
    const holder = hierarchies.find(({ root }) => source.startsWith(`${root}/`));
    return holder === undefined ? [] : [{ source, target: holder.root }];
  });
}
