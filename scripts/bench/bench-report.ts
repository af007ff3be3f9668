/**
 * Medians, ratios to kernel overlayfs and the table, in the form in which the bars are kept; nothing here measures.
 */

import type { Residents } from './measure.js';
import type { Workload } from './workloads.js';

/** The times of one workload on one target, a round each; `failure` is the last reason why one is missing. */
export interface Series {
  readonly seconds: number[];
  failure?: string;
}

/** workload -> target -> series */
type Results = ReadonlyMap<string, ReadonlyMap<string, Series>>;

export const reference = 'overlayfs';

export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function geometricMean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Median of the target by median of overlayfs; undefined when either has none. */
export function ratio(results: Results, workload: string, target: string): number | undefined {
  const series = results.get(workload);
  const own = median(series?.get(target)?.seconds ?? []);
  const base = median(series?.get(reference)?.seconds ?? []);
  return own === undefined || base === undefined ? undefined : own / base;
}

/** The Markdown table; a bar that plyfs misses is marked `(missed)`, a mean over fewer workloads says so. */
export function table(results: Results, workloads: readonly Workload[], targets: readonly string[]): string {
  const heads = targets.map((target) => (target === reference ? `${reference} (s)` : target));
  const rows = workloads.map((workload) => {
    const cells = targets.map((target) => cell(results, workload.name, target));
    const reached = ratio(results, workload.name, 'plyfs');
    const missed = reached !== undefined && reached > workload.mustReach;
    return [workload.name, ...cells, `${workload.mustReach}${missed ? ' (missed)' : ''}`];
  });
  const means = targets.map((target) => meanCell(results, workloads, target));
  return [
    row(['workload', ...heads, 'plyfs must reach']),
    row(['workload', ...heads, ''].map(() => '---')).replaceAll(' ', ''),
    ...rows.map(row),
    row(['geometric mean', ...means, '1.0 or less']),
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function cell(results: Results, workload: string, target: string): string {
  const series = results.get(workload)?.get(target);
  const seconds = median(series?.seconds ?? []);
  if (series?.failure !== undefined) return 'failed';
  if (seconds === undefined) return '';
  const relative = ratio(results, workload, target);
  if (relative === undefined) return `${seconds.toFixed(2)} s`;
  return target === reference ? `1.00 (${seconds.toFixed(2)})` : relative.toFixed(2);
}

function meanCell(results: Results, workloads: readonly Workload[], target: string): string {
  const ratios = workloads
    .map(({ name }) => ratio(results, name, target))
    .filter((value) => value !== undefined);
  const mean = geometricMean(ratios);
  if (mean === undefined) return '';
  return ratios.length === workloads.length ? mean.toFixed(2) : `${mean.toFixed(2)} (of ${ratios.length})`;
}

/** One line a target on mounting and memory. */
export function residentLines(residents: ReadonlyMap<string, Residents>): string {
  const mib = (value: number | undefined) => (value === undefined ? 'none' : `${value.toFixed(1)} MiB`);
  const rows = [...residents].map(([target, { mountMs, idleMib, afterFindMib }]) => {
    return row([target, mountMs.toFixed(0), mib(idleMib), mib(afterFindMib)]);
  });
  return [
    row(['target', 'mount until ready (ms)', 'resident idle', 'after find']),
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}
