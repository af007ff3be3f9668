/** The options of `run` and `create` that limit what a container may use, checked as Docker checks them. */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { UserError } from '../../errno/user-error.js';
import { parseSize } from '../../mounts/request/size.js';
import { isMissing } from '../../store/atomic-file.js';
import type { ResourceLimits } from '../../store/container-record.js';
import { parseDeviceRule } from '../cgroup/device-rules.js';
import { swapOf } from '../cgroup/settings.js';

/** As given. */
export interface LimitOptions {
  /** How much memory it has at most, as `512m`. */
  readonly memory?: string | undefined;
  /** Memory and swap together; `-1` is any swap. */
  readonly memorySwap?: string | undefined;
  /** Memory that it keeps while others need some. */
  readonly memoryReservation?: string | undefined;
  /** From 0 to 100. */
  readonly memorySwappiness?: string | undefined;
  /** How many CPUs it has at most, as `1.5`. */
  readonly cpus?: string | undefined;
  /** Its weight beside others when all are busy; 1024 is usual. */
  readonly cpuShares?: string | undefined;
  /** Microseconds, with `cpuQuota`. */
  readonly cpuPeriod?: string | undefined;
  /** Microseconds of each period. */
  readonly cpuQuota?: string | undefined;
  /** Only on these CPUs, as `0-2,5`. */
  readonly cpusetCpus?: string | undefined;
  /** Only memory of these nodes. */
  readonly cpusetMems?: string | undefined;
  /** How many processes and threads it has at most. */
  readonly pidsLimit?: string | undefined;
}

const MIN_MEMORY_BYTES = 6 << 20;

/** @returns undefined where none is asked for; 0 asks for none, as in Docker. @throws UserError */
export function parseLimits(options: LimitOptions): ResourceLimits | undefined {
  const limits: ResourceLimits = {
    ...given('memoryBytes', options.memory, parseSize),
    ...given('memorySwapBytes', options.memorySwap, (text) => (text === '-1' ? -1 : parseSize(text))),
    ...given('memoryReservationBytes', options.memoryReservation, parseSize),
    ...swappinessOf(options.memorySwappiness),
    ...given('nanoCpus', options.cpus, parseCpus),
    ...given('cpuShares', options.cpuShares, (text) => parseCount('--cpu-shares', text)),
    ...given('cpuPeriodUs', options.cpuPeriod, (text) => parseCount('--cpu-period', text)),
    ...given('cpuQuotaUs', options.cpuQuota, (text) => parseCount('--cpu-quota', text)),
    ...parsedSet('cpusetCpus', options.cpusetCpus, CPUS),
    ...parsedSet('cpusetMems', options.cpusetMems, NODES),
    ...given('pids', options.pidsLimit, (text) => Math.max(0, parseCount('--pids-limit', text))),
  };
  checkMemory(limits);
  checkProcessors(limits);
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function given<K extends keyof ResourceLimits>(
  key: K,
  text: string | undefined,
  parse: (text: string) => number,
): { readonly [key in K]?: number } {
  const entry: { [key in K]?: number } = {};
  const value = text === undefined ? 0 : parse(text);
  if (value !== 0) entry[key] = value;
  return entry;
}

/** Zero means something here, -1 is the default. */
function swappinessOf(text: string | undefined): Pick<ResourceLimits, 'swappiness'> {
  if (text === undefined || text === '-1') return {};
  const swappiness = parseCount('--memory-swappiness', text);
  if (swappiness <= 100) return { swappiness };
  throw new UserError(`invalid value '${text}' for --memory-swappiness`, { hint: 'from 0 to 100' });
}

function parseCount(option: string, text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new UserError(`invalid value '${text}' for ${option}`, { hint: 'a whole number' });
}

function parseCpus(text: string): number {
  const [, number, divisor] = /^(\d*\.?\d+|\d+\.)(?:\/(\d+))?$/.exec(text) ?? [];
  const available = availableParallelism();
  const cpus = Number(number) / Number(divisor ?? 1);
  if (number === undefined || !Number.isFinite(cpus))
    throw new UserError(`invalid value '${text}' for --cpus`, { hint: 'a number, as 1.5' });
  if (cpus !== 0 && (cpus < 0.01 || cpus > available))
    throw new UserError(`cannot limit to ${text} CPUs: the range is from 0.01 to ${available}`, {
      hint: `there are only ${available} CPUs`,
    });
  return Math.round(cpus * 1e9);
}

interface NumberSet {
  readonly option: string;
  readonly available: string;
  readonly what: string;
}

const CPUS: NumberSet = {
  option: '--cpuset-cpus',
  available: '/sys/devices/system/cpu/online',
  what: 'CPUs',
};
const NODES: NumberSet = {
  option: '--cpuset-mems',
  available: '/sys/devices/system/node/online',
  what: 'memory nodes',
};

function parsedSet<K extends 'cpusetCpus' | 'cpusetMems'>(
  key: K,
  text: string | undefined,
  set: NumberSet,
): { readonly [key in K]?: string } {
  const entry: { [key in K]?: string } = {};
  if (text === undefined || text === '') return entry;
  const wanted = numbersOf(text);
  if (wanted === undefined)
    throw new UserError(`invalid value '${text}' for ${set.option}`, {
      hint: 'numbers and ranges, as 0-2,5',
    });
  const online = onlineOf(set.available);
  const there = new Set(numbersOf(online));
  if (wanted.some((number) => !there.has(number)))
    throw new UserError(`cannot use the ${set.what} '${text}': there are ${online}`);
  entry[key] = text;
  return entry;
}

/** A kernel without NUMA has one node, and no such file. */
function onlineOf(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch (error) {
    if (isMissing(error)) return '0';
    throw error;
  }
}

const MAX_NUMBER = 8192;

/** The numbers of a list as `0-2,5`; undefined when it is none. */
function numbersOf(text: string): number[] | undefined {
  const found: number[] = [];
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first) || Number(last) > MAX_NUMBER) return undefined;
    for (let number = Number(first); number <= Number(last); number++) found.push(number);
  }
  return found;
}

function checkMemory(limits: ResourceLimits): void {
  const { memoryBytes, memorySwapBytes, memoryReservationBytes } = limits;
  if (memoryBytes !== undefined && memoryBytes < MIN_MEMORY_BYTES)
    throw new UserError('cannot limit memory to less than 6m', { hint: 'no command would start' });
  if (memorySwapBytes !== undefined && memorySwapBytes > 0) {
    if (memoryBytes === undefined)
      throw new UserError('cannot limit --memory-swap without --memory: it is the sum of both');
    if (memorySwapBytes < memoryBytes)
      throw new UserError('cannot limit --memory-swap to less than --memory: it is the sum of both');
  }
  if (
    memoryReservationBytes !== undefined &&
    memoryReservationBytes > (memoryBytes ?? memoryReservationBytes)
  )
    throw new UserError('cannot reserve more memory than the limit: --memory-reservation is above --memory');
  if (!Number.isSafeInteger(swapOf(limits) ?? 0))
    throw new UserError('invalid size for --memory: it is too large');
}

function checkProcessors({ nanoCpus, cpuPeriodUs, cpuQuotaUs, cpuShares }: ResourceLimits): void {
  if (nanoCpus !== undefined && (cpuPeriodUs !== undefined || cpuQuotaUs !== undefined))
    throw new UserError('conflicting options: --cpus and --cpu-period or --cpu-quota');
  if (cpuPeriodUs !== undefined && (cpuPeriodUs < 1000 || cpuPeriodUs > 1_000_000))
    throw new UserError(`invalid value '${cpuPeriodUs}' for --cpu-period`, {
      hint: 'from 1000 to 1000000 us',
    });
  if (cpuQuotaUs !== undefined && cpuQuotaUs > 0 && cpuQuotaUs < 1000)
    throw new UserError(`invalid value '${cpuQuotaUs}' for --cpu-quota`, { hint: '1000 us at least' });
  if (cpuShares !== undefined && cpuShares < 2)
    throw new UserError(`invalid value '${cpuShares}' for --cpu-shares`, { hint: '2 at least' });
}

/** @throws UserError */
export function checkDeviceRule(text: string): string {
  if (parseDeviceRule(text) !== undefined) return text;
  throw new UserError(`invalid device cgroup rule: '${text}'`, {
    hint: "write TYPE MAJOR:MINOR MODE, as 'c 10:200 rwm'",
  });
}

/** @throws UserError */
export function parseOomScoreAdj(text: string): number {
  const score = parseCount('--oom-score-adj', text);
  if (score >= -1000 && score <= 1000) return score;
  throw new UserError(`invalid value '${text}' for --oom-score-adj`, { hint: 'from -1000 to 1000' });
}
