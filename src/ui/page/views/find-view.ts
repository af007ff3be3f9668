/** Search in all layers, also for what a later layer hides. */

import type { FindArgs, FindReply, FoundLine, OverviewReply } from '../../api.js';
import { hashOf, type PageAddress } from '../address.js';
import { call } from '../call-api.js';
import { element } from '../element.js';
import { hidingText, layerChip, layerClass } from '../layer-chip.js';
import { errorBox, field, fill, selectOf, sourcesOf, type View } from '../page-view.js';
import { shownName, shownSize } from '../shown-text.js';
import { loadedPages, VirtualList } from '../virtual-list.js';

const TYPES = ['', 'file', 'directory', 'symlink', 'character', 'block', 'fifo', 'socket'];

export class FindView implements View {
  readonly element: HTMLElement;
  readonly #results = element('section', { class: 'panel results', attributes: { 'aria-label': 'Results' } });

  constructor(place: PageAddress, overview: OverviewReply) {
    this.element = element('div', { class: 'stacked' }, this.#form(place, overview), this.#results);
    if (place.query.size > 0) void this.#search(place);
    else this.#results.append(element('p', { class: 'quiet' }, HELP));
  }

  #form({ source, query }: PageAddress, overview: OverviewReply): HTMLElement {
    const input = (key: string, placeholder: string): HTMLInputElement => {
      const made = element('input', {
        attributes: { type: 'text', placeholder, name: key, autocomplete: 'off' },
      });
      made.value = query.get(key) ?? '';
      return made;
    };
    const pattern = input('pattern', '*.pem, etc/**');
    const content = input('content', 'BEGIN RSA PRIVATE');
    const size = input('minBytes', '10000000');
    const checkbox = (key: string): HTMLInputElement => {
      const made = element('input', { attributes: { type: 'checkbox', name: key } });
      made.checked = query.get(key) === '1';
      return made;
    };
    const hidden = checkbox('hidden');
    const setId = checkbox('setid');
    const sources = sourcesOf(overview).filter((one) => !one.source.startsWith('volume:'));
    const from = selectOf(sources, source, () => undefined);
    const types = TYPES.map((type) => ({ source: type, label: type === '' ? 'any' : type }));
    const type = selectOf(types, query.get('type') ?? '', () => undefined);
    const submit = (event: Event): void => {
      event.preventDefault();
      location.hash = hashOf({
        view: 'find',
        source: from.value,
        query: {
          pattern: pattern.value === '' ? '*' : pattern.value,
          content: content.value,
          type: type.value,
          minBytes: size.value,
          hidden: hidden.checked ? '1' : '',
          setid: setId.checked ? '1' : '',
        },
      });
    };
    return element(
      'form',
      { class: 'panel form', attributes: { 'aria-label': 'Search' }, on: { submit } },
      field('In', from),
      field('Name or path', pattern),
      field('Content', content),
      field('Type', type),
      field('Bytes at least', size),
      field('Hidden only', hidden),
      field('Set-id', setId),
      element('button', { attributes: { type: 'submit' } }, 'Find'),
    );
  }

  async #search({ source, query }: PageAddress): Promise<void> {
    const size = Number(query.get('minBytes') ?? '');
    const args: FindArgs = {
      source,
      pattern: query.get('pattern'),
      content: query.get('content'),
      type: query.get('type'),
      minBytes: Number.isSafeInteger(size) && size > 0 ? size : undefined,
      isHidden: query.get('hidden') === '1' ? true : undefined,
      isSetId: query.get('setid') === '1' ? true : undefined,
    };
    await fill(this.#results, async () => this.#list(source, await call('find', args)));
  }

  #list(source: string, { rows, isCut }: FindReply): HTMLElement[] {
    const count = isCut
      ? `The first ${rows.length.toLocaleString('en')}`
      : `${rows.length.toLocaleString('en')} found`;
    if (rows.length === 0) return [element('p', {}, 'Nothing was found, in no layer.')];
    const list = new VirtualList<FoundLine>({
      label: 'What was found',
      load: loadedPages(rows),
      row: foundRow,
      choose: ({ path, facts }) => {
        const at = facts.type === 'directory' ? `${path}/` : path;
        location.hash = hashOf({ view: 'tree', source, path: at });
      },
      failed: (error) => this.#results.append(errorBox(error)),
    });
    queueMicrotask(() => list.start({ total: rows.length, from: 0, entries: rows }, 0));
    return [element('p', { class: 'quiet count' }, count), list.element];
  }
}

const HELP =
  'Without a slash a pattern is one of names, else of whole paths. All layers are searched: what a later layer deletes is found too.';

function foundRow({ path, layer, createdBy, facts, hidden }: FoundLine): HTMLElement {
  return element(
    'div',
    { class: hidden === undefined ? '' : 'hidden' },
    layerChip(layer, createdBy === '' ? `layer ${layer}` : shownName(createdBy)),
    element(
      'span',
      { class: `name ${layerClass(layer)}`, attributes: { title: `/${shownName(path)}` } },
      `/${shownName(path)}`,
    ),
    element('span', { class: 'notes' }, hidden === undefined ? '' : hidingText(hidden)),
    element('span', { class: 'size' }, facts.type === 'directory' ? '' : shownSize(facts.sizeBytes)),
  );
}
