/** What went wrong, took long or was changed lately in all mounts, with its cause and who did it. */

import type { ChangeLine, FailureLine, MetricsReply, SlowLine } from '../api.js';
import { hashOf } from './address.js';
import { element, hyperlink, table } from './element.js';
import { type MountPlace, namedMount } from './page-view.js';
import { shownCount, shownName, shownTime } from './shown-text.js';

const MOST_SHOWN = 50;

type Located<T> = T & MountPlace;
type Recent = NonNullable<NonNullable<MetricsReply['mounts'][number]['stats']>['recent']>;

export class ActivityPanel {
  readonly element = element('section', { class: 'panel', attributes: { 'aria-label': 'What happened' } });
  #shown = '';

  show(now: MetricsReply): void {
    const [failures, slow, changes] = [
      latest(now, ({ failures: list }) => list),
      latest(now, ({ slow: list }) => list),
      latest(now, ({ changes: list }) => list),
    ];
    const troubles = troublesOf(now);
    // What somebody reads or has marked stays while nothing is new.
    const text = JSON.stringify([failures, slow, changes, troubles]);
    if (text === this.#shown) return;
    this.#shown = text;
    this.element.replaceChildren(
      element('h2', {}, 'What happened'),
      ...troubles.map((trouble) => element('p', { class: 'error' }, shownName(trouble))),
      ...rows('Failed operations', ['When', 'Error', 'Path', 'Cause', 'By'], failures, failureRow),
      ...rows('Slow requests', ['When', { number: 'Took' }, 'Path', 'Request', 'By'], slow, slowRow),
      ...rows('Copy-ups and whiteouts', ['When', 'What', 'Path', 'By'], changes, changeRow),
    );
    if (this.element.childElementCount === 1)
      this.element.append(
        element('p', { class: 'quiet' }, 'Nothing failed, took long or was copied up lately.'),
      );
  }
}

function latest<T extends { readonly timeMs: number }>(
  { mounts }: MetricsReply,
  listOf: (recent: Recent) => readonly T[],
): Located<T>[] {
  return mounts
    .flatMap(({ mountpoint, container, stats }) =>
      stats?.recent === undefined
        ? []
        : listOf(stats.recent).map((one) => ({ ...one, mountpoint, container })),
    )
    .sort((one, other) => other.timeMs - one.timeMs)
    .slice(0, MOST_SHOWN);
}

/** What is full, and what waits for remote storage. */
function troublesOf({ mounts }: MetricsReply): string[] {
  return mounts.flatMap(({ stats, ...mount }) => [
    ...(stats?.recent?.full ?? []).map((text) => `Full: ${text} (${namedMount(mount).label})`),
    ...(stats?.waiting ?? []).map(
      ({ target, storage, requests, oldestMs }) =>
        `${shownCount(requests, 'request')} ${requests === 1 ? 'waits' : 'wait'} for ${storage} at ${target}, the oldest for ${Math.round(oldestMs / 1000)} s (${namedMount(mount).label})`,
    ),
  ]);
}

function rows<T>(
  caption: string,
  titles: Parameters<typeof table>[0],
  items: readonly T[],
  rowOf: (item: T) => (Node | string)[],
): HTMLElement[] {
  return items.length === 0 ? [] : [table(titles, items.map(rowOf), caption)];
}

function failureRow(failure: Located<FailureLine>): (Node | string)[] {
  const { timeMs, error, cause, count, operation } = failure;
  const times = count > 1 ? ` × ${count}` : '';
  return [
    time(timeMs),
    `${error}${times}`,
    place(failure),
    shownName(cause),
    `${who(failure)}, ${operation}`,
  ];
}

function slowRow(slow: Located<SlowLine>): (Node | string)[] {
  return [time(slow.timeMs), `${slow.tookMs} ms`, place(slow), slow.operation, who(slow)];
}

function changeRow(change: Located<ChangeLine>): (Node | string)[] {
  return [time(change.timeMs), change.kind, place(change), who(change)];
}

function time(ms: number): Node {
  return element('span', { class: 'time' }, shownTime(ms));
}

function place({ path, ...mount }: MountPlace & { readonly path: string }): Node {
  const { source, label } = namedMount(mount);
  const anchor = hyperlink(hashOf({ view: 'tree', source, path: path.replace(/^\//, '') }), shownName(path));
  return element('span', {}, anchor, element('span', { class: 'quiet' }, ` in ${label}`));
}

function who({ process, pid }: { readonly process: string; readonly pid: number }): string {
  if (pid === 0) return 'an unknown process';
  return process === '' ? `pid ${pid}` : `${shownName(process)} (${pid})`;
}
