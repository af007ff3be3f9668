/**
 * Whether the CPUs are kept awake while requests come close together, and why not. A request whose caller and server
 * sleep on CPUs that halt costs 75 to 100 us, else 6 to 14 (docs: README.md, "Speed").
 */

import { availableParallelism } from 'node:os';
import { hasCpuQuota } from '../../linux/process/cpu-quota.js';

/** The switch for whoever does not mount by hand: `off`, or `process`: one CPU at most, by a process of idle priority. */
const AWAKE_VARIABLE = 'PLYFS_AWAKE';

/** More would take too much power while idle CPUs poll: then one of them spins. Measured on two. */
export const MOST_POLLING_CPUS = 4;

/** What of this machine and its environment decides. */
export interface AwakeFacts {
  readonly setting: string | undefined;
  readonly cpus: number;
  readonly hasQuota: boolean;
}

export function awakeFacts(): AwakeFacts {
  return {
    setting: process.env[AWAKE_VARIABLE],
    cpus: availableParallelism(),
    hasQuota: hasCpuQuota(),
  };
}

/** @returns why they are left to sleep; undefined when they are kept awake. */
export function whyNotAwake({ setting, cpus, hasQuota }: AwakeFacts): string | undefined {
  if (setting === 'off') return `${AWAKE_VARIABLE}=off`;
  if (cpus === 1) return 'one CPU, which serves and asks';
  if (hasQuota) return 'a cgroup limits the CPU time, which this would use up';
  return undefined;
}
