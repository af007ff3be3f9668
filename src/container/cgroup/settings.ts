/**
 * What is written into a cgroup's files for a container's limits: Linux, Documentation/admin-guide/cgroup-v1/ and
 * cgroup-v2.rst. The order counts: memory with swap is not below memory alone.
 */

import type { ResourceLimits } from '../../store/container-record.js';
import type { Controller } from './hosts.js';

export interface Setting {
  readonly controller: Controller;
  readonly file: string;
  readonly value: string;
  /** The option that asked for it; absent: a default, which a kernel without such a file goes without. */
  readonly option?: string;
}

const PERIOD_US = 100_000;

export function settingsOf(limits: ResourceLimits, version: 1 | 2): Setting[] {
  return version === 1 ? firstVersion(limits) : secondVersion(limits);
}

function firstVersion(limits: ResourceLimits): Setting[] {
  const { memoryBytes, memorySwapBytes, memoryReservationBytes, swappiness, pids } = limits;
  const { cpuShares, cpusetCpus, cpusetMems } = limits;
  const { quotaUs, periodUs } = bandwidth(limits);
  return [
    ...one('memory', 'memory.limit_in_bytes', memoryBytes, '--memory'),
    ...one('memory', 'memory.memsw.limit_in_bytes', swapOf(limits), memorySwapBytes && '--memory-swap'),
    ...one('memory', 'memory.soft_limit_in_bytes', memoryReservationBytes, '--memory-reservation'),
    ...one('memory', 'memory.swappiness', swappiness, '--memory-swappiness'),
    ...one('cpu', 'cpu.shares', cpuShares, '--cpu-shares'),
    ...one('cpu', 'cpu.cfs_period_us', periodUs, '--cpu-period'),
    ...one('cpu', 'cpu.cfs_quota_us', quotaUs, '--cpus'),
    ...one('cpuset', 'cpuset.cpus', cpusetCpus, '--cpuset-cpus'),
    ...one('cpuset', 'cpuset.mems', cpusetMems, '--cpuset-mems'),
    ...one('pids', 'pids.max', pids, '--pids-limit'),
  ];
}

function secondVersion(limits: ResourceLimits): Setting[] {
  const { memoryBytes = 0, memorySwapBytes, memoryReservationBytes, swappiness, pids } = limits;
  const { cpuShares, cpusetCpus, cpusetMems } = limits;
  const { quotaUs, periodUs } = bandwidth(limits);
  const swap = swapOf(limits);
  const onlySwap = swap === undefined ? undefined : swap < 0 ? 'max' : swap - memoryBytes;
  const cpu = quotaUs ?? (periodUs === undefined ? undefined : 'max');
  return [
    ...one('memory', 'memory.max', limits.memoryBytes, '--memory'),
    ...one('memory', 'memory.swap.max', onlySwap, memorySwapBytes && '--memory-swap'),
    ...one('memory', 'memory.low', memoryReservationBytes, '--memory-reservation'),
    ...one('memory', 'memory.swappiness', swappiness, '--memory-swappiness'),
    ...one('cpu', 'cpu.weight', cpuShares && weightOf(cpuShares), '--cpu-shares'),
    ...one('cpu', 'cpu.max', cpu && `${cpu} ${periodUs ?? PERIOD_US}`, '--cpus'),
    ...one('cpuset', 'cpuset.cpus', cpusetCpus, '--cpuset-cpus'),
    ...one('cpuset', 'cpuset.mems', cpusetMems, '--cpuset-mems'),
    ...one('pids', 'pids.max', pids, '--pids-limit'),
  ];
}

function one(
  controller: Controller,
  file: string,
  value: number | string | undefined,
  option: string | number | undefined,
): Setting[] {
  if (value === undefined) return [];
  return [{ controller, file, value: String(value), ...(typeof option === 'string' ? { option } : {}) }];
}

/** As Docker: as much swap as memory, where nothing is said. */
export function swapOf({ memoryBytes, memorySwapBytes }: ResourceLimits): number | undefined {
  if (memorySwapBytes !== undefined) return memorySwapBytes;
  return memoryBytes === undefined ? undefined : memoryBytes * 2;
}

function bandwidth({ nanoCpus, cpuPeriodUs, cpuQuotaUs }: ResourceLimits) {
  if (nanoCpus === undefined) return { periodUs: cpuPeriodUs, quotaUs: cpuQuotaUs };
  return { periodUs: PERIOD_US, quotaUs: Math.round((nanoCpus * PERIOD_US) / 1e9) };
}

/** From 2..262144 to 1..10000, as runc has it. */
function weightOf(shares: number): number {
  return 1 + Math.floor(((Math.max(shares, 2) - 2) * 9999) / 262_142);
}
