/**
 * Whether the cgroups of this process limit its CPU time: `cpu.max` of cgroup v2, `cpu.cfs_quota_us` of v1, in its own
 * cgroup and those above it (Linux: Documentation/admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst).
 */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** @param root where the cgroup file systems are mounted, for tests. */
export function hasCpuQuota(cgroups = readOrEmpty('/proc/self/cgroup'), root = '/sys/fs/cgroup'): boolean {
  return cgroups
    .split('\n')
    .flatMap((line) => {
      const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      if (controllers === '') return upwards(path).map((at) => join(root, at, 'cpu.max'));
      if (!controllers.split(',').includes('cpu')) return [];
      return upwards(path).flatMap((at) =>
        ['cpu', controllers].map((mount) => join(root, mount, at, 'cpu.cfs_quota_us')),
      );
    })
    .some((file) => /^[0-9]/.test(readOrEmpty(file)));
}

/** A path and those above it, `/` last. */
function upwards(path: string): string[] {
  const paths = [path];
  for (let at = path; at !== '/' && at !== '.'; ) {
    at = dirname(at);
    paths.push(at);
  }
  return paths;
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // Not there or not ours to read: no limit that is known.
    return '';
  }
}
