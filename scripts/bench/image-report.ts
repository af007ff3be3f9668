/** The table of `npm run bench -- images`; nothing here measures. */

import { median } from './bench-report.js';
import type { ImageWorkload } from './image-workloads.js';

export interface Spent {
  readonly seconds: number;
  /** The most that a program of it had resident. */
  readonly mib: number;
}

export interface ImageRow {
  readonly workload: ImageWorkload;
  /** A measurement each round. */
  readonly plyfs: Spent[];
  /** Empty: no peer can do it. */
  readonly peer: Spent[];
}

/** Medians; a peer that is faster is marked. */
export function imageTable(rows: readonly ImageRow[]): string {
  const lines = rows.map(({ workload, plyfs, peer }) => {
    const own = cells(plyfs);
    if (workload.peer === undefined) return line([workload.name, ...own, 'none can', '', '']);
    const beside = `${workload.peer.tool}${isSlower(plyfs, peer) ? ' (missed)' : ''}`;
    return line([workload.name, ...own, beside, ...cells(peer)]);
  });
  return [
    line(['image', 'plyfs (s)', 'most memory', 'beside', 'its time (s)', 'its memory']),
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

function cells(spent: readonly Spent[]): string[] {
  const seconds = median(spent.map((one) => one.seconds));
  return [seconds?.toFixed(2) ?? '', `${Math.max(...spent.map(({ mib }) => mib)).toFixed(0)} MiB`];
}

function isSlower(plyfs: readonly Spent[], peer: readonly Spent[]): boolean {
  return median(plyfs.map(({ seconds }) => seconds))! > median(peer.map(({ seconds }) => seconds))!;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
