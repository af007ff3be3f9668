/** What is known of one volume: who made and who uses it, its size over time, what has become of what an image filled it with. */

import type { DriftReply, VolumeReply } from '../api.js';
import { hashOf } from './address.js';
import { call } from './call-api.js';
import { element, hyperlink } from './element.js';
import { differenceChip, errorBox, fill } from './page-view.js';
import { shownCount, shownName, shownSize, shownTime } from './shown-text.js';
import { sparkline } from './sparkline.js';

const MOST_SHOWN = 100;

export class VolumePanel {
  readonly element = element('section', { class: 'panel stack', attributes: { 'aria-label': 'Volume' } });
  readonly #size = element('div', {});
  readonly #drift = element('div', {});
  readonly #volume: string;

  constructor(volume: string) {
    this.#volume = volume;
  }

  /** What is noted comes first; what takes a walk follows when the names are `listed`. */
  async load(listed: Promise<void>): Promise<void> {
    const volume = this.#volume;
    let hasOrigin = false;
    await fill(this.element, async () => {
      const reply = await call('volume', { volume });
      this.#size.replaceChildren(...sizeParts(reply));
      hasOrigin = reply.filledFrom !== undefined;
      return [
        element('h2', { class: 'name' }, shownName(volume)),
        aboutList(reply),
        element('h3', {}, 'Size'),
        this.#size,
        this.#drift,
      ];
    });
    await listed;
    if (hasOrigin) void this.#loadDrift();
    await fill(this.#size, async () => {
      const { isMeasured } = await call('measure', { volume });
      return sizeParts({ ...(await call('volume', { volume })), isMeasured });
    });
  }

  async #loadDrift(): Promise<void> {
    const title = element('h3', {}, 'Since it was filled');
    try {
      const drift = await call('drift', { volume: this.#volume });
      this.#drift.replaceChildren(title, ...driftParts(this.#volume, drift));
    } catch (error) {
      this.#drift.replaceChildren(title, errorBox(error));
    }
  }
}

function aboutList({ createdAt, madeFor, filledFrom, users, path }: VolumeReply): HTMLElement {
  const usedBy = users.map(({ kind, name, targets }) =>
    element(
      'div',
      {},
      kind === 'docker'
        ? shownName(name)
        : hyperlink(hashOf({ view: 'tree', source: `${kind}:${name}` }), shownName(name)),
      ` at ${shownName(targets.join(', '))}`,
    ),
  );
  const facts: readonly (readonly [string, readonly (Node | string)[]])[] = [
    ['Made', [shownTime(Date.parse(createdAt))]],
    ...(madeFor === '' ? [] : [['For', [shownName(madeFor)]] as const]),
    ...(filledFrom === undefined
      ? []
      : [['Filled from', [`${shownName(filledFrom.path)} of ${shownName(filledFrom.image)}`]] as const]),
    ['Used by', usedBy.length === 0 ? ['nobody'] : usedBy],
    ['On the host', [element('span', { class: 'path' }, shownName(path))]],
  ];
  return element(
    'dl',
    { class: 'about' },
    ...facts.flatMap(([term, what]) => [element('dt', {}, term), element('dd', {}, ...what)]),
  );
}

/** `isMeasured` says whether there is a figure to be had; absent: nobody has tried. */
function sizeParts({
  history,
  isMeasured = true,
}: Pick<VolumeReply, 'history'> & { readonly isMeasured?: boolean }): HTMLElement[] {
  const last = history.at(-1);
  if (last === undefined) {
    const text = isMeasured ? 'Nobody has looked yet.' : 'Its storage is mounted, and is not measured.';
    return [element('p', { class: 'quiet' }, text)];
  }
  const text = `${shownSize(last.bytes)} in ${shownCount(last.files, 'file')}`;
  return [
    element('p', { attributes: { title: `Looked at ${shownTime(last.timeMs)}` } }, text),
    ...(history.length > 1 ? [sparkline(history)] : []),
  ];
}

function driftParts(
  volume: string,
  { image, path, isOutdated, differences, count }: DriftReply,
): HTMLElement[] {
  const from = `${shownName(path)} of ${shownName(image)}`;
  const note = isOutdated
    ? [element('p', { class: 'note' }, 'The name of the image means another one by now.')]
    : [];
  if (count === 0) return [element('p', {}, `It is what ${from} was.`), ...note];
  const items = differences.slice(0, MOST_SHOWN).map(({ kind, path: at, from: old, aspects }) => {
    const text = `/${shownName(at)}`;
    const href = hashOf({ view: 'tree', source: `volume:${volume}`, path: at });
    return element(
      'li',
      {},
      differenceChip(kind),
      element(
        'span',
        { class: 'name' },
        old === undefined ? undefined : `/${shownName(old)} → `,
        kind === 'D' ? text : hyperlink(href, text),
        element('span', { class: 'quiet' }, ` ${aspects.join(', ')}`),
      ),
    );
  });
  const more = count > items.length ? `The first ${items.length} of them: ` : '';
  return [
    ...note,
    element('p', { class: 'quiet' }, `${more}${shownCount(count, 'difference')} from ${from}`),
    element('ul', { class: 'drift' }, ...items),
  ];
}
