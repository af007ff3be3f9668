/** The layers of what is looked at, topmost first, and the mounts over them. */

import type { ShownLayer, StackReply, WasteReply } from '../api.js';
import { hashOf, type PageAddress } from './address.js';
import { element, hyperlink } from './element.js';
import { layerChip, layerClass } from './layer-chip.js';
import { placeInStore, shownName, shownSize, withShortDigests } from './shown-text.js';

export class StackPanel {
  readonly element: HTMLElement;
  readonly #wasted: ReadonlyMap<number, number>;

  /** @param waste undefined: not known yet. */
  constructor(
    { title, note, layers, mounts }: StackReply,
    place: PageAddress,
    waste: WasteReply | undefined,
  ) {
    this.#wasted = new Map(waste?.byLayer ?? []);
    const chosen = Number(place.query.get('layer') ?? 0);
    this.element = element(
      'section',
      { class: 'panel stack', attributes: { 'aria-label': 'Layers' } },
      element('h2', {}, shownName(title)),
      element('p', { class: 'quiet', attributes: { title: note } }, withShortDigests(shownName(note))),
      element('ol', { class: 'layers' }, ...layers.map((layer) => this.#layer(layer, { place, chosen }))),
      ...(mounts.length === 0 ? [] : [element('h3', {}, 'Mounts'), mountList(mounts)]),
    );
  }

  #layer(
    { number, kind, createdBy, sizeBytes, id }: ShownLayer,
    { place, chosen }: { readonly place: PageAddress; readonly chosen: number },
  ): HTMLElement {
    const wasted = this.#wasted.get(number);
    const sizes =
      wasted === undefined ? shownSize(sizeBytes) : `${shownSize(sizeBytes)}, ${shownSize(wasted)} wasted`;
    const size = element('span', { class: 'quiet' }, sizes);
    const isChosen = number === chosen;
    const href = hashOf({
      view: 'tree',
      source: place.source,
      path: place.path,
      query: { layer: isChosen ? '' : String(number) },
    });
    const name =
      kind === 'upper' ? 'changes (upper)' : createdBy === '' ? `layer ${id.slice(0, 12)}` : createdBy;
    const anchor = hyperlink(
      href,
      layerChip(number),
      element('span', { class: 'line' }, shownName(name)),
      size,
    );
    anchor.className = `layer ${layerClass(number)}`;
    anchor.title = isChosen ? 'show all layers alike' : 'point out what is of this layer';
    if (isChosen) anchor.setAttribute('aria-current', 'true');
    return element('li', {}, anchor);
  }
}

function mountList(mounts: StackReply['mounts']): HTMLElement {
  const items = mounts.map(({ type, target, source, isReadOnly, volume, notes }) => {
    const from = placeInStore(volume ?? source);
    const what = `${type}${from === '' ? '' : ` ${from}`}${isReadOnly ? ', read-only' : ''}`;
    const shown = shownName(what);
    return element(
      'li',
      {},
      element('strong', {}, shownName(target)),
      ' ',
      volume === undefined ? shown : hyperlink(hashOf({ view: 'tree', source: `volume:${volume}` }), shown),
      ...notes.map((note) => element('span', { class: 'note' }, ` ${shownName(note)}`)),
    );
  });
  return element('ul', { class: 'mounts' }, ...items);
}
