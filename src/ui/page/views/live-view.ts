/** What happens now: events of the store as they come, and what the mounts of this user do. */

import type { EventLine, MetricsReply, MountActivity } from '../../api.js';
import { ActivityPanel } from '../activity-panel.js';
import { hashOf } from '../address.js';
import { call, followServer } from '../call-api.js';
import { element, emptyNote, hyperlink, table } from '../element.js';
import { errorBox, namedMount, type View } from '../page-view.js';
import { shownName, shownSize, shownTime } from '../shown-text.js';

const MOST_EVENTS = 500;
const EVERY_MS = 2_000;
const TOP_OPERATIONS = 4;

export class LiveView implements View {
  readonly element: HTMLElement;
  readonly #events = element('ol', {
    class: 'events',
    attributes: { 'aria-label': 'Events', tabindex: '0' },
  });
  readonly #metrics = element('section', { class: 'panel', attributes: { 'aria-label': 'Mounts' } });
  readonly #activity = new ActivityPanel();
  readonly #ending = new AbortController();
  readonly #timer: number;
  #before: MetricsReply | undefined;

  constructor() {
    const events = element(
      'section',
      { class: 'panel', attributes: { 'aria-label': 'Events' } },
      element('h2', {}, 'Events'),
      element('p', { class: 'quiet' }, 'Newest first, from an hour ago on.'),
      this.#events,
    );
    this.element = element('div', { class: 'stacked' }, this.#metrics, this.#activity.element, events);
    void this.#follow();
    void this.#measure();
    this.#timer = window.setInterval(() => void this.#measure(), EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#ending.abort();
  }

  async #follow(): Promise<void> {
    try {
      await followServer((event) => {
        this.#events.prepend(eventLine(event));
        if (this.#events.childElementCount > MOST_EVENTS) this.#events.lastElementChild?.remove();
      }, this.#ending.signal);
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#events.replaceChildren(element('li', {}, errorBox(error)));
    }
  }

  async #measure(): Promise<void> {
    if (document.hidden) return;
    try {
      const now = await call('metrics', {}, this.#ending.signal);
      this.#metrics.replaceChildren(...metricsParts(now, this.#before));
      this.#activity.show(now);
      this.#before = now;
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#metrics.replaceChildren(errorBox(error));
    }
  }
}

function eventLine({ timeMs, type, action, id, attributes }: EventLine): HTMLElement {
  const name = attributes.name ?? (type === 'container' ? id.slice(0, 12) : id);
  const shown = shownName(name);
  const source = `${type}:${name}`;
  const rest = Object.entries(attributes).filter(([key]) => key !== 'name');
  return element(
    'li',
    {},
    element('time', {}, shownTime(timeMs)),
    element(
      'span',
      {},
      `${shownName(type)} `,
      element('strong', {}, shownName(action)),
      ' ',
      action === 'destroy' || action === 'delete'
        ? shown
        : hyperlink(hashOf({ view: 'tree', source }), shown),
      element(
        'span',
        { class: 'quiet' },
        ` ${shownName(rest.map(([key, value]) => `${key}=${value}`).join(', '))}`,
      ),
    ),
  );
}

function metricsParts(now: MetricsReply, before: MetricsReply | undefined): HTMLElement[] {
  const rows = now.mounts.map((mount) => {
    const old = before?.mounts.find(({ id }) => id === mount.id);
    const seconds = before === undefined ? 0 : (now.timeMs - before.timeMs) / 1000;
    const { source, label } = namedMount(mount);
    return [
      hyperlink(hashOf({ view: 'tree', source }), label),
      mount.stats === undefined ? 'does not answer' : rateText(mount, old, seconds),
      kindsText(mount, old, seconds),
      mount.stats?.nodes.toLocaleString('en') ?? '–',
      failedText(mount),
    ];
  });
  const daemons = now.daemons.map(({ pid, residentBytes, openFiles, cpuSeconds }) => [
    `process ${pid}`,
    shownSize(residentBytes),
    String(openFiles),
    `${cpuSeconds.toFixed(1)} s`,
  ]);
  return [
    element('h2', {}, 'Mounts'),
    rows.length === 0
      ? emptyNote('Nothing is mounted by this user.')
      : table(['Mount', { number: 'Requests/s' }, 'Of which', { number: 'Names known' }, 'Failed'], rows, {
          unseen: 'What is mounted',
        }),
    ...(daemons.length === 0
      ? []
      : [
          table(['Daemon', { number: 'Memory' }, { number: 'Open files' }, { number: 'CPU time' }], daemons, {
            unseen: 'Daemons',
          }),
        ]),
  ];
}

function rateText(mount: MountActivity, old: MountActivity | undefined, seconds: number): string {
  if (old === undefined || seconds <= 0) return '…';
  const sum = kindsSince(mount, old).reduce((all, [, count]) => all + count, 0);
  return String(Math.round(sum / seconds));
}

/** Requests of each kind since then, most first. */
function kindsSince(mount: MountActivity, old: MountActivity): [string, number][] {
  return Object.entries(mount.stats?.requests ?? {})
    .map(([kind, count]): [string, number] => [kind, count - (old.stats?.requests[kind] ?? 0)])
    .filter(([, count]) => count > 0)
    .sort(([, one], [, other]) => other - one);
}

function kindsText(mount: MountActivity, old: MountActivity | undefined, seconds: number): string {
  if (old === undefined || seconds <= 0) return '';
  const top = kindsSince(mount, old).slice(0, TOP_OPERATIONS);
  return top.map(([kind, count]) => `${kind} ${Math.round(count / seconds)}`).join(', ');
}

function failedText({ stats }: MountActivity): string {
  const failed = Object.entries(stats?.failed ?? {});
  return failed.length === 0 ? '0' : failed.map(([error, count]) => `${error} ${count}`).join(', ');
}
