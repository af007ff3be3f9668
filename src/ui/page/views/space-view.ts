/** What takes the space: a treemap by directory and layer, and what of it is wasted. */

import type { SpaceEntry, SpaceReply, WasteReply } from '../../api.js';
import { aboveOf, hashOf, type PageAddress } from '../address.js';
import { call } from '../call-api.js';
import { element, hyperlink, table } from '../element.js';
import { layerChip, layerClass } from '../layer-chip.js';
import { fill, type View } from '../page-view.js';
import { shownName, shownSize } from '../shown-text.js';
import { type Rectangle, squarify } from '../treemap-layout.js';

const MOST_ROWS = 25;
/** In percent of its box, so that it follows the window. */
const WHOLE: Rectangle = { x: 0, y: 0, width: 160, height: 90 };

export class SpaceView implements View {
  readonly element = element('div', { class: 'stacked' });
  readonly #map = element('section', { class: 'panel', attributes: { 'aria-label': 'Space' } });
  readonly #waste = element('section', { class: 'panel', attributes: { 'aria-label': 'Wasted' } });
  readonly #source: string;

  constructor(place: PageAddress) {
    this.#source = place.source;
    this.element.append(this.#map, this.#waste);
    void this.#show(place.path);
    void fill(this.#waste, async () =>
      wasteParts(this.#source, await call('waste', { source: this.#source })),
    );
  }

  update(place: PageAddress): boolean {
    if (place.view !== 'space' || place.source !== this.#source) return false;
    void this.#show(place.path);
    return true;
  }

  async #show(directory: string): Promise<void> {
    const path = directory.replace(/\/$/, '');
    await fill(this.#map, async () =>
      this.#parts(directory, await call('space', { source: this.#source, path })),
    );
  }

  #parts(directory: string, { entries, rest }: SpaceReply): HTMLElement[] {
    const total = entries.reduce((sum, { bytes }) => sum + bytes, rest.bytes);
    const up = hyperlink(this.#hash(aboveOf(directory)), 'up');
    const filled = entries.filter(({ bytes }) => bytes > 0);
    return [
      element(
        'h2',
        { class: 'name' },
        `/${shownName(directory)} `,
        element('span', { class: 'quiet' }, shownSize(total)),
        directory === '' ? undefined : element('span', {}, ' '),
        directory === '' ? undefined : up,
      ),
      filled.length === 0
        ? element('p', { class: 'quiet' }, 'No file has a size here.')
        : this.#treemap(directory, filled),
      table(
        ['Name', { number: 'Size' }, 'Share', 'Layers'],
        entries
          .slice(0, MOST_ROWS)
          .map((entry) => [
            hyperlink(this.#target(directory, entry), entryText(entry)),
            shownSize(entry.bytes),
            shareBar(entry, total),
            element('span', {}, ...entry.byLayer.map(([layer, bytes]) => layerChip(layer, shownSize(bytes)))),
          ]),
        { unseen: 'The largest' },
      ),
    ];
  }

  #treemap(directory: string, entries: readonly SpaceEntry[]): HTMLElement {
    const places = squarify(
      entries.map(({ bytes }) => bytes),
      WHOLE,
    );
    const boxes = entries.map((entry, index) => this.#box(directory, entry, places[index]!));
    return element(
      'div',
      { class: 'treemap', attributes: { role: 'group', 'aria-label': 'Treemap' } },
      ...boxes,
    );
  }

  #box(directory: string, entry: SpaceEntry, { x, y, width, height }: Rectangle): HTMLElement {
    const largest = largestLayer(entry);
    const text = entryText(entry);
    const isRoomy = width > 9 && height > 6;
    const amount = element('span', { class: 'amount' }, shownSize(entry.bytes));
    const box = hyperlink(
      this.#target(directory, entry),
      isRoomy ? text : '',
      isRoomy && height > 12 ? amount : undefined,
    );
    box.className = `box fill ${layerClass(largest)}`;
    box.title = `${text}: ${shownSize(entry.bytes)}, most of it in layer ${largest}`;
    box.setAttribute('aria-label', box.title);
    box.style.left = `${(x / WHOLE.width) * 100}%`;
    box.style.top = `${(y / WHOLE.height) * 100}%`;
    box.style.width = `${(width / WHOLE.width) * 100}%`;
    box.style.height = `${(height / WHOLE.height) * 100}%`;
    return box;
  }

  #target(directory: string, { name, isDirectory }: SpaceEntry): string {
    const path = `${directory}${name}`;
    return isDirectory ? this.#hash(`${path}/`) : hashOf({ view: 'tree', source: this.#source, path });
  }

  #hash(path: string): string {
    return hashOf({ view: 'space', source: this.#source, path });
  }
}

function entryText({ name, isDirectory }: SpaceEntry): string {
  return `${shownName(name)}${isDirectory ? '/' : ''}`;
}

/** The layer that has most of it. */
function largestLayer({ byLayer }: SpaceEntry): number {
  return byLayer.reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

function shareBar(entry: SpaceEntry, total: number): HTMLElement {
  const percent = total === 0 ? 0 : (100 * entry.bytes) / total;
  const bar = element('span', { class: `share ${entry.bytes === 0 ? '' : layerClass(largestLayer(entry))}` });
  bar.style.width = `${percent}%`;
  return element('span', { class: 'measure', attributes: { title: `${percent.toFixed(1)}%` } }, bar);
}

function wasteParts(source: string, waste: WasteReply): HTMLElement[] {
  const { totalBytes, wastedBytes, bytesOf, files, count } = waste;
  const share = totalBytes === 0 ? 0 : (100 * wastedBytes) / totalBytes;
  const kinds = Object.entries(bytesOf).map(([kind, bytes]) => `${kind} ${shownSize(bytes)}`);
  const rows = files.map(({ kind, sizeBytes, layer, causedBy, createdBy, path, sameAs }) => [
    kind,
    shownSize(sizeBytes),
    layerChip(layer),
    layerChip(causedBy),
    element('span', { class: 'line' }, shownName(createdBy)),
    element(
      'span',
      {},
      hyperlink(hashOf({ view: 'tree', source, path }), `/${shownName(path)}`),
      sameAs === undefined ? '' : ` as /${shownName(sameAs)}`,
    ),
  ]);
  return [
    element('h2', {}, `Efficiency ${(100 - share).toFixed(1)}%`),
    element('p', {}, `${shownSize(wastedBytes)} of ${shownSize(totalBytes)} wasted: ${kinds.join(', ')}`),
    rows.length === 0
      ? element('p', { class: 'quiet' }, 'Nothing is rewritten, deleted or there twice.')
      : table(
          ['Kind', { number: 'Size' }, 'In', 'By', 'Command', 'File'],
          rows,
          count > files.length ? `The largest ${files.length} of ${count} files` : { unseen: 'All files' },
        ),
  ];
}
