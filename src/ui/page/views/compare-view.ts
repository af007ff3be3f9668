/** What differs between two images, containers or volumes, with the hunks of texts. */

import type { CompareReply, DifferenceLine, OverviewReply, ShownFacts } from '../../api.js';
import { hashOf, type PageAddress } from '../address.js';
import { call } from '../call-api.js';
import { element } from '../element.js';
import {
  DIFFERENCE_KINDS,
  differenceChip,
  errorBox,
  field,
  fill,
  hunkLine,
  selectOf,
  sourcesOf,
  type View,
} from '../page-view.js';
import { shownCount, shownMode, shownName, shownSize, shownTime } from '../shown-text.js';
import { loadedPages, VirtualList } from '../virtual-list.js';

export class CompareView implements View {
  readonly element: HTMLElement;
  readonly #results = element('section', {
    class: 'panel results',
    attributes: { 'aria-label': 'Differences' },
  });
  readonly #hunks = element('section', { class: 'panel detail', attributes: { 'aria-label': 'Hunks' } });
  readonly #before: string;
  readonly #after: string;

  constructor(place: PageAddress, overview: OverviewReply) {
    this.#before = place.source;
    this.#after = place.query.get('with') ?? '';
    this.element = element(
      'div',
      { class: 'stacked' },
      this.#form(place, overview),
      element('div', { class: 'split' }, this.#results, this.#hunks),
    );
    this.#hunks.append(element('p', { class: 'quiet' }, 'Choose a file that has changed to see its lines.'));
    if (this.#after !== '') void this.#compare({ isSemantic: place.query.get('semantic') === '1' });
    else this.#results.append(element('p', { class: 'quiet' }, 'Contents are compared, byte by byte.'));
  }

  #form({ source, query }: PageAddress, overview: OverviewReply): HTMLElement {
    const sources = sourcesOf(overview).filter((one) => !one.source.startsWith('mount:'));
    const before = selectOf(sources, source, () => undefined);
    const after = selectOf(sources, query.get('with') ?? '', () => undefined);
    const semantic = element('input', { attributes: { type: 'checkbox' } });
    // Images that were built apart differ in every time.
    semantic.checked = !query.has('with') || query.get('semantic') === '1';
    const submit = (event: Event): void => {
      event.preventDefault();
      const isSemantic = semantic.checked ? '1' : '';
      location.hash = hashOf({
        view: 'compare',
        source: before.value,
        query: { with: after.value, semantic: isSemantic },
      });
    };
    return element(
      'form',
      { class: 'panel form', attributes: { 'aria-label': 'What to compare' }, on: { submit } },
      field('Before', before),
      field('After', after),
      field('Leave times out', semantic),
      element('button', { attributes: { type: 'submit' } }, 'Compare'),
    );
  }

  async #compare(options: { readonly isSemantic: boolean }): Promise<void> {
    const args = { before: this.#before, after: this.#after, ...options };
    await fill(this.#results, async () => this.#list(await call('compare', args)));
  }

  #list({ differences, count }: CompareReply): HTMLElement[] {
    if (count === 0) return [element('p', {}, 'Nothing differs.')];
    const list = new VirtualList<DifferenceLine>({
      label: 'Differences',
      load: loadedPages(differences),
      row: differenceRow,
      choose: (line) => void this.#show(line),
      failed: (error) => this.#results.append(errorBox(error)),
    });
    queueMicrotask(() => list.start({ total: differences.length, from: 0, entries: differences }, 0));
    return [element('p', { class: 'quiet count' }, countText(differences, count)), list.element];
  }

  async #show({ path, aspects, before, after }: DifferenceLine): Promise<void> {
    await fill(this.#hunks, async () => {
      const title = element('h2', { class: 'name' }, `/${shownName(path)}`);
      const facts = [factsText('before', before), factsText('after', after)];
      if (!aspects.includes('content')) return [title, ...facts];
      const { lines } = await call('hunks', { before: this.#before, after: this.#after, path });
      if (lines === undefined) return [title, ...facts, element('p', { class: 'quiet' }, 'It is no text.')];
      const attributes = { tabindex: '0', role: 'region', 'aria-label': 'Lines that differ' };
      return [title, ...facts, element('pre', { class: 'hunks', attributes }, ...lines.map(hunkLine))];
    });
  }
}

function countText(differences: readonly DifferenceLine[], count: number): string {
  if (count > differences.length)
    return `The first ${differences.length.toLocaleString('en')} of ${shownCount(count, 'difference')}`;
  const kinds = Object.entries(DIFFERENCE_KINDS).flatMap(([letter, word]) => {
    const some = differences.filter(({ kind }) => kind === letter).length;
    return some === 0 ? [] : [`${some.toLocaleString('en')} ${word}`];
  });
  return `${shownCount(count, 'difference')}: ${kinds.join(', ')}`;
}

function factsText(side: string, facts: ShownFacts | undefined): HTMLElement {
  if (facts === undefined) return element('p', { class: 'facts' }, `${side}: nothing`);
  const { type, mode, uid, gid, sizeBytes, mtimeMs } = facts;
  const text = [shownMode(type, mode), `${uid}:${gid}`, shownSize(sizeBytes), shownTime(mtimeMs)].join('  ');
  return element('p', { class: 'facts' }, `${side}: ${text}`);
}

function differenceRow({ kind, path, from, aspects }: DifferenceLine): HTMLElement {
  const name = from === undefined ? `/${shownName(path)}` : `/${shownName(from)} → /${shownName(path)}`;
  return element(
    'div',
    {},
    differenceChip(kind),
    element('span', { class: 'name' }, name === '/' ? '/ (the root)' : name),
    element('span', { class: 'notes' }, aspects.join(', ')),
  );
}
