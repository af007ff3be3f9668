/** A sample of `plyfs top` as lines: what is mounted, who serves it, and what went wrong or took long lately. */

import { humanSize } from '../../print/progress.js';
import { fitCells } from '../../terminal/cell-width.js';
import type { ScreenLine } from '../../terminal/terminal-screen.js';
import type { TopMount, TopSample } from './top-sample.js';

const LEAST_NAME = 16;
const MOST_NAME = 40;
const MOST_KINDS = 3;
const SHARES = { failures: 6, slow: 4, changes: 6 } as const;
const MOST_SHOWN = 100;

interface TopColumn {
  readonly title: string;
  readonly width: number;
  readonly textOf: (mount: TopMount) => string;
}

const COLUMNS: readonly TopColumn[] = [
  {
    title: 'REQ/S',
    width: 8,
    textOf: ({ Answers, RequestsPerSecond }) => (Answers ? String(Math.round(RequestsPerSecond)) : '?'),
  },
  {
    title: 'CPU',
    width: 6,
    textOf: ({ Container, CPUPercent }) => (Container === '' ? '' : `${Math.round(CPUPercent)}%`),
  },
  {
    title: 'MEMORY',
    width: 8,
    textOf: ({ Container, MemoryBytes }) => (Container === '' ? '' : humanSize(MemoryBytes)),
  },
  { title: 'NODES', width: 8, textOf: ({ Nodes }) => String(Nodes) },
  {
    title: 'FAILED',
    width: 7,
    textOf: ({ Failed }) => String(Object.values(Failed).reduce((sum, count) => sum + count, 0)),
  },
];

/** @param rows how many lines there is room for; undefined: all. */
export function topLines(sample: TopSample, columns: number, rows?: number): ScreenLine[] {
  const fixed = COLUMNS.reduce((sum, { width }) => sum + width + 1, 0);
  const nameWidth = Math.min(MOST_NAME, Math.max(LEAST_NAME, columns - fixed - 30));
  const head = `${fitCells('MOUNT', nameWidth)} ${COLUMNS.map(({ title, width }) => title.padStart(width)).join(' ')}  MOST`;
  const mounts = [...sample.Mounts].sort((one, other) => other.RequestsPerSecond - one.RequestsPerSecond);
  const lines: ScreenLine[] = [
    [
      {
        text: `plyfs top, ${sample.Time.slice(11, 19)}: ${mounts.length === 1 ? '1 mount' : `${mounts.length} mounts`}; ${daemonText(sample)}`,
        style: 'bold',
      },
    ],
    '',
    [{ text: head, style: 'inverse' }],
    ...mounts.map((mount) => mountLine(mount, nameWidth)),
    ...mounts.flatMap(troubleLines),
  ];
  const left = rows === undefined ? MOST_SHOWN : Math.max(3, rows - lines.length - 6);
  const share = (part: number): number =>
    rows === undefined ? part * 2 : Math.max(1, Math.floor((left * part) / 16));
  return [
    ...lines,
    ...section('Failed operations', sample.Failures.slice(0, share(SHARES.failures)), (failure) => [
      { text: `${failure.Error} `, style: 'red' },
      {
        text: `${failure.Path}: ${failure.Cause} (${failure.Operation} by ${who(failure)}${times(failure.Count)})`,
      },
    ]),
    ...section('Slow requests', sample.Slow.slice(0, share(SHARES.slow)), (slow) => [
      { text: `${String(slow.TookMs).padStart(6)} ms `, style: 'yellow' },
      { text: `${slow.Operation} ${slow.Path} by ${who(slow)}` },
    ]),
    ...section('Copy-ups and whiteouts', sample.Changes.slice(0, share(SHARES.changes)), (change) => [
      { text: `${change.Kind.padEnd(9)}`, style: 'cyan' },
      { text: `${change.Path} by ${who(change)}` },
    ]),
  ];
}

function daemonText({ Daemons }: TopSample): string {
  if (Daemons.length === 0) return 'nothing serves';
  return Daemons.map(
    ({ Pid, CPUPercent, MemoryBytes, OpenFiles }) =>
      `daemon ${Pid}: ${Math.round(CPUPercent)}% CPU, ${humanSize(MemoryBytes)}, ${OpenFiles} files open`,
  ).join('; ');
}

function mountLine(mount: TopMount, nameWidth: number): ScreenLine {
  const name = mount.Container === '' ? mount.Mountpoint : mount.Container;
  const kinds = Object.entries(mount.Kinds).slice(0, MOST_KINDS);
  const most = mount.Answers
    ? kinds.map(([kind, count]) => `${kind} ${count}`).join(', ')
    : 'its daemon does not answer';
  const cells = COLUMNS.map(({ width, textOf }) => textOf(mount).padStart(width)).join(' ');
  return [{ text: `${fitCells(name, nameWidth)} ${cells}  ` }, { text: most, style: 'dim' }];
}

/** What is full, and what waits. */
function troubleLines({ Mountpoint, Container, Full, Waiting }: TopMount): ScreenLine[] {
  const name = Container === '' ? Mountpoint : Container;
  return [
    ...Full.map((text): ScreenLine => [{ text: `full: ${text} (${name})`, style: 'red' }]),
    ...Waiting.map(
      ({ Target, Storage, Requests, OldestMs }): ScreenLine => [
        {
          text: `waits: ${Requests === 1 ? '1 request' : `${Requests} requests`} for ${Storage} at ${Target}, the oldest for ${Math.round(OldestMs / 1000)} s (${name})`,
          style: 'yellow',
        },
      ],
    ),
  ];
}

function section<T extends { readonly Time: string }>(
  title: string,
  items: readonly T[],
  lineOf: (item: T) => Exclude<ScreenLine, string>,
): ScreenLine[] {
  if (items.length === 0) return [];
  return [
    '',
    [{ text: title, style: 'bold' }],
    ...items.map(
      (item): ScreenLine => [{ text: `${item.Time.slice(11, 19)} `, style: 'dim' }, ...lineOf(item)],
    ),
  ];
}

function who({ Process, Pid }: { readonly Process: string; readonly Pid: number }): string {
  if (Pid === 0) return 'an unknown process';
  return Process === '' ? `pid ${Pid}` : `${Process} (pid ${Pid})`;
}

function times(count: number): string {
  return count > 1 ? `, ${count} times` : '';
}
