/**
 * Which cgroup hierarchies this host has mounted, and which cgroup this process is in there: cgroups(7), version 1 with a
 * hierarchy for some controllers each, version 2 with one for all that version 1 does not have.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../../store/atomic-file.js';

export type Controller = 'memory' | 'cpu' | 'cpuset' | 'pids' | 'devices';

export interface Hierarchy {
  readonly version: 1 | 2;
  /** The controllers of version 1; version 2 has them in `cgroup.controllers` of each cgroup. */
  readonly controllers: readonly string[];
  /** Directory that it is mounted at. */
  readonly root: string;
  /** Directory of the cgroup that this process is in. */
  readonly own: string;
}

/** The hierarchies of this process. */
export function readHierarchies(): Hierarchy[] {
  try {
    return parseHierarchies(
      readFileSync('/proc/self/mountinfo', 'latin1'),
      readFileSync('/proc/self/cgroup', 'latin1'),
    );
  } catch (error) {
    // A kernel without cgroups has no such file.
    if (isMissing(error)) return [];
    throw error;
  }
}

/** From the texts of /proc/self/mountinfo and /proc/self/cgroup; one that shows nothing of our own cgroup is left out. */
export function parseHierarchies(mountinfo: string, cgroups: string): Hierarchy[] {
  const memberships = cgroups.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ controllers: controllers?.split(',') ?? [], path }];
  });
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [type, , superOptions = ''] = after.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const [, , , shown = '/', at = ''] = before.split(' ');
    const controllers = type === 'cgroup' ? superOptions.split(',') : [];
    const found = memberships.find((one) =>
      type === 'cgroup2'
        ? one.controllers.join() === ''
        : one.controllers.some((name) => name !== '' && controllers.includes(name)),
    );
    const inside = found && below(shown, found.path);
    if (inside === undefined) return [];
    return [{ version: type === 'cgroup2' ? 2 : 1, controllers, root: at, own: join(at, inside) } as const];
  });
}

/** A path relative to the cgroup that a mount shows as its root; undefined when it lies elsewhere. */
function below(shown: string, path: string): string | undefined {
  if (path.startsWith('/..')) return undefined;
  if (shown === '/') return path;
  if (path === shown) return '/';
  return path.startsWith(`${shown}/`) ? path.slice(shown.length) : undefined;
}
