/** What `plyfs top` shows: counters of two moments become rates, and what happened in all mounts becomes one list, latest first. */

import { processesIn } from '../../../container/end/processes.js';
import { mountPointOf } from '../../../container/record/status.js';
import { type Metrics, type MountMetrics, mountMetrics } from '../../../daemon/client/mount-metrics.js';
import type { RecentActivity, UpperChange } from '../../../daemon/messages/activity-report.js';
import { processUsage } from '../../../linux/process/process-usage.js';
import { listContainers } from '../../../store/container-record.js';
import type { StoreView } from '../../../store/store-view.js';

/** Counters at one moment. */
interface TopMoment {
  readonly timeMs: number;
  readonly metrics: Metrics;
  /** By mount point, of containers. */
  readonly containers: ReadonlyMap<string, ContainerUsage>;
}

interface ContainerUsage {
  readonly name: string;
  readonly processes: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

/** Keys of `--format json`: see src/cli/FORMATS.md. */
export interface TopSample {
  readonly Time: string;
  readonly Mounts: readonly TopMount[];
  readonly Daemons: readonly {
    readonly Pid: number;
    readonly CPUPercent: number;
    readonly MemoryBytes: number;
    readonly OpenFiles: number;
  }[];
  /** Latest first, as the lists below. */
  readonly Failures: readonly TopFailure[];
  /** Requests that took long. */
  readonly Slow: readonly TopSlowRequest[];
  /** Copy-ups and whiteouts. */
  readonly Changes: readonly TopChange[];
}

interface Happened {
  readonly Time: string;
  readonly Mountpoint: string;
  readonly Path: string;
  readonly Pid: number;
  readonly Process: string;
}

interface TopFailure extends Happened {
  readonly Operation: string;
  readonly Error: string;
  readonly Cause: string;
  readonly Count: number;
}

interface TopSlowRequest extends Happened {
  readonly Operation: string;
  readonly TookMs: number;
}

interface TopChange extends Happened {
  readonly Kind: string;
}

export interface TopMount {
  readonly Mountpoint: string;
  readonly Container: string;
  readonly Answers: boolean;
  readonly RequestsPerSecond: number;
  /** By kind, most first; those that came since the moment before. */
  readonly Kinds: Readonly<Record<string, number>>;
  readonly Nodes: number;
  readonly Failed: Readonly<Record<string, number>>;
  readonly Waiting: readonly {
    readonly Target: string;
    readonly Storage: string;
    readonly Requests: number;
    readonly OldestMs: number;
  }[];
  readonly Full: readonly string[];
  readonly Processes: number;
  readonly CPUPercent: number;
  readonly MemoryBytes: number;
}

export async function takeMoment(store: StoreView): Promise<TopMoment> {
  const metrics = await mountMetrics({ recent: true });
  const mounted = new Set(metrics.mounts.map(({ mountpoint }) => mountpoint));
  const containers = new Map<string, ContainerUsage>();
  for (const record of listContainers(store)) {
    const place = mountPointOf(store, record);
    if (mounted.has(place)) containers.set(place, { name: record.name, ...usageOf(processesIn(place)) });
  }
  return { timeMs: Date.now(), metrics, containers };
}

function usageOf(pids: readonly number[]): Omit<ContainerUsage, 'name'> {
  const usages = pids.flatMap((pid) => processUsage(pid) ?? []);
  return {
    processes: usages.length,
    residentBytes: usages.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    cpuSeconds: usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

export function sampleOf(before: TopMoment, now: TopMoment): TopSample {
  const seconds = Math.max(0.001, (now.timeMs - before.timeMs) / 1000);
  const percent = (later: number, earlier: number | undefined): number =>
    earlier === undefined ? 0 : rounded((Math.max(0, later - earlier) / seconds) * 100);
  const { mounts, daemons } = now.metrics;
  return {
    Time: new Date(now.timeMs).toISOString(),
    Mounts: mounts.map((mount) => {
      const usage = now.containers.get(mount.mountpoint);
      return {
        ...mountRow(
          mount,
          before.metrics.mounts.find(({ id }) => id === mount.id),
          seconds,
        ),
        Container: usage?.name ?? '',
        Processes: usage?.processes ?? 0,
        CPUPercent:
          usage === undefined
            ? 0
            : percent(usage.cpuSeconds, before.containers.get(mount.mountpoint)?.cpuSeconds),
        MemoryBytes: usage?.residentBytes ?? 0,
      };
    }),
    Daemons: daemons.map(({ pid, residentBytes, openFiles, cpuSeconds }) => ({
      Pid: pid,
      CPUPercent: percent(cpuSeconds, before.metrics.daemons.find((one) => one.pid === pid)?.cpuSeconds),
      MemoryBytes: residentBytes,
      OpenFiles: openFiles,
    })),
    Failures: happened(mounts, ({ failures }) => failures).map(
      ({ operation, error, cause, count, ...one }) => ({
        ...factsOf(one),
        Operation: operation,
        Error: error,
        Cause: cause,
        Count: count,
      }),
    ),
    Slow: happened(mounts, ({ slow }) => slow).map(({ operation, tookMs, ...one }) => ({
      ...factsOf(one),
      Operation: operation,
      TookMs: tookMs,
    })),
    Changes: happened(mounts, ({ changes }) => changes).map(({ kind, ...one }) => ({
      ...factsOf(one),
      Kind: kind,
    })),
  };
}

function mountRow(mount: MountMetrics, old: MountMetrics | undefined, seconds: number) {
  const { stats } = mount;
  const kinds = Object.entries(stats?.requests ?? {})
    .map(([kind, count]): [string, number] => [
      kind,
      old?.stats === undefined ? 0 : count - (old.stats.requests[kind] ?? 0),
    ])
    .filter(([, count]) => count > 0)
    .sort(([, one], [, other]) => other - one);
  return {
    Mountpoint: mount.mountpoint,
    Answers: stats !== undefined,
    RequestsPerSecond: rounded(kinds.reduce((sum, [, count]) => sum + count, 0) / seconds),
    Kinds: Object.fromEntries(kinds),
    Nodes: stats?.nodes ?? 0,
    Failed: stats?.failed ?? {},
    Waiting: (stats?.waiting ?? []).map(({ target, storage, requests, oldestMs }) => ({
      Target: target,
      Storage: storage,
      Requests: requests,
      OldestMs: oldestMs,
    })),
    Full: stats?.recent?.full ?? [],
  };
}

/** What happened in all mounts, latest first. */
function happened<T extends UpperFacts>(
  mounts: readonly MountMetrics[],
  listOf: (recent: RecentActivity) => readonly T[],
): (T & { readonly mountpoint: string })[] {
  const all = mounts.flatMap(({ mountpoint, stats }) =>
    stats?.recent === undefined ? [] : listOf(stats.recent).map((one) => ({ ...one, mountpoint })),
  );
  return all.sort((one, other) => other.timeMs - one.timeMs);
}

type UpperFacts = Pick<UpperChange, 'timeMs' | 'path' | 'pid' | 'process'>;

function factsOf({
  timeMs,
  mountpoint,
  path,
  pid,
  process,
}: UpperFacts & { readonly mountpoint: string }): Happened {
  const time = new Date(timeMs).toISOString();
  return { Time: time, Mountpoint: mountpoint, Path: path, Pid: pid, Process: process };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
