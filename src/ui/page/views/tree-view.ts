/** The layers, the merged tree beside them, each name in the colour of the layer that wins, and why. */

import type { DirectoryReply, ShownEntry, StackReply, WasteReply } from '../../api.js';
import { aboveOf, directoryOf, hashOf, type PageAddress } from '../address.js';
import { call } from '../call-api.js';
import { DetailPanel } from '../detail-panel.js';
import { element, hyperlink } from '../element.js';
import { hidingText, layerChip, layerClass } from '../layer-chip.js';
import { errorBox, fill, type View } from '../page-view.js';
import { shownCount, shownMode, shownName, shownSize } from '../shown-text.js';
import { StackPanel } from '../stack-panel.js';
import { VirtualList } from '../virtual-list.js';
import { uploadField } from '../volume-editor.js';
import { VolumePanel } from '../volume-panel.js';

const FIRST_PAGE = 400;

export class TreeView implements View {
  readonly element: HTMLElement;
  readonly #stackBox = element('div', { class: 'column' });
  readonly #listBox = element('section', {
    class: 'panel tree',
    attributes: { 'aria-label': 'Merged tree' },
  });
  readonly #detail: DetailPanel;
  readonly #mayWrite: boolean;
  readonly #source: string;
  #place: PageAddress;
  #directory: string | undefined;
  #list: VirtualList<ShownEntry> | undefined;
  #stack: StackReply | undefined;
  /** Takes a walk through all layers. */
  #waste: WasteReply | undefined;
  #isClosed = false;
  /** Something was uploaded: what the server keeps of the directory is old. */
  #isChanged = false;

  constructor(place: PageAddress, { mayWrite }: { readonly mayWrite: boolean }) {
    this.#mayWrite = mayWrite && place.source.startsWith('volume:');
    this.#detail = new DetailPanel({ mayWrite: this.#mayWrite });
    this.#source = place.source;
    this.#place = place;
    this.element = element('div', { class: 'columns' }, this.#stackBox, this.#listBox, this.#detail.element);
    void this.#loadStack(this.#showPlace());
  }

  update(place: PageAddress): boolean {
    if (place.view !== 'tree' || place.source !== this.#source) return false;
    const isOtherLayer = place.query.get('layer') !== this.#place.query.get('layer');
    this.#place = place;
    this.#drawStack();
    if (isOtherLayer) this.#directory = undefined;
    void this.#showPlace();
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#list?.close();
    this.#detail.close();
  }

  /** @param listed the names have the processor before what is wasted. */
  async #loadStack(listed: Promise<void>): Promise<void> {
    if (this.#source.startsWith('volume:')) {
      const panel = new VolumePanel(this.#source.slice('volume:'.length));
      this.#stackBox.replaceChildren(panel.element);
      await panel.load(listed);
      return;
    }
    await fill(this.#stackBox, async () => {
      this.#stack = await call('stack', { source: this.#source });
      return [this.#panelOf(this.#stack).element];
    });
    await listed;
    if (this.#isClosed || this.#stack === undefined) return;
    try {
      this.#waste = await call('waste', { source: this.#source });
      this.#drawStack();
    } catch (error) {
      this.#stackBox.append(errorBox(error));
    }
  }

  #panelOf(stack: StackReply): StackPanel {
    return new StackPanel(stack, this.#place, this.#waste);
  }

  #drawStack(): void {
    if (this.#stack !== undefined) this.#stackBox.replaceChildren(this.#panelOf(this.#stack).element);
  }

  async #showPlace(): Promise<void> {
    const { path } = this.#place;
    const directory = directoryOf(path);
    const name = path.slice(directory.length);
    const entry = directory === this.#directory ? undefined : await this.#showDirectory(directory, name);
    if (name !== '' || this.#directory === directory) {
      const chosen = this.#chosen?.name === name ? this.#chosen : entry;
      void this.#detail.show({
        source: this.#source,
        path: path.replace(/\/$/, ''),
        entry: name === '' ? undefined : chosen,
      });
    }
  }

  #chosen: ShownEntry | undefined;

  /** @returns the entry of the name, if there is one. */
  async #showDirectory(directory: string, name: string): Promise<ShownEntry | undefined> {
    const path = directory.replace(/\/$/, '');
    let found: ShownEntry | undefined;
    await fill(this.#listBox, async () => {
      const first = await call('directory', {
        source: this.#source,
        path,
        from: 0,
        count: FIRST_PAGE,
        name,
        ...(this.#isChanged ? { isChanged: true } : {}),
      });
      this.#isChanged = false;
      this.#directory = directory;
      const at = first.entries.findIndex((entry) => entry.name === name);
      found = first.entries[at];
      const list = this.#listOf(directory, path);
      this.#list?.close();
      this.#list = list;
      queueMicrotask(() => {
        list.start(first, at < 0 ? 0 : first.from + at);
        if (this.#listBox.ownerDocument.activeElement === document.body) list.element.focus();
      });
      return [this.#crumbs(directory), countLine(first), ...this.#upload(directory), list.element];
    });
    return found;
  }

  #listOf(directory: string, path: string): VirtualList<ShownEntry> {
    const source = this.#source;
    const layer = Number(this.#place.query.get('layer') ?? 0);
    return new VirtualList<ShownEntry>({
      label: `Names in /${shownName(path)}`,
      load: (from, count) => call('directory', { source, path, from, count }),
      row: (entry) => treeRow(entry, layer),
      choose: (entry) => {
        this.#chosen = entry;
        const isDirectory = entry.facts?.type === 'directory';
        this.#go(`${directory}${entry.name}${isDirectory ? '/' : ''}`);
      },
      above: () => {
        if (directory !== '') this.#go(aboveOf(directory));
      },
      failed: (error) => this.#listBox.append(errorBox(error)),
    });
  }

  #go(path: string): void {
    location.hash = this.#hash(path);
  }

  #hash(path: string): string {
    return hashOf({
      view: 'tree',
      source: this.#source,
      path,
      query: { layer: this.#place.query.get('layer') ?? '' },
    });
  }

  #upload(directory: string): HTMLElement[] {
    if (!this.#mayWrite) return [];
    const done = (): void => {
      this.#directory = undefined;
      this.#isChanged = true;
      void this.#showPlace();
    };
    return [uploadField(this.#source.slice('volume:'.length), directory, done)];
  }

  #crumbs(directory: string): HTMLElement {
    const names = directory.split('/').slice(0, -1);
    const links = names.map((name, index) =>
      element('li', {}, hyperlink(this.#hash(`${names.slice(0, index + 1).join('/')}/`), shownName(name))),
    );
    return element(
      'nav',
      { class: 'crumbs', attributes: { 'aria-label': 'Path' } },
      element('ol', {}, element('li', {}, hyperlink(this.#hash(''), '/')), ...links),
    );
  }
}

function countLine({ total }: DirectoryReply): HTMLElement {
  return element('p', { class: 'quiet count' }, shownCount(total, 'name'));
}

/** @param pointedOut the layer that was chosen; 0: none. */
function treeRow({ name, facts, layer, layers, hidden, mount }: ShownEntry, pointedOut: number): HTMLElement {
  const type = facts?.type ?? '';
  const notes = [
    ...(hidden === undefined ? [] : [hidingText(hidden)]),
    ...(mount === undefined ? [] : [mount]),
    ...(facts !== undefined && (facts.mode & 0o6000) !== 0 && type === 'file' ? ['set-id'] : []),
  ];
  const row = element(
    'div',
    { class: hidden === undefined && (facts ?? mount) !== undefined ? '' : 'hidden' },
    layer === 0 ? undefined : layerChip(layer, `layers ${layers.join(', ')}`),
    element(
      'span',
      { class: `name ${layerClass(layer)}`, attributes: { title: shownName(name) } },
      `${shownName(name)}${type === 'directory' ? '/' : ''}`,
    ),
    element('span', { class: 'notes' }, notes.join(', ')),
    element('span', { class: 'mode' }, facts === undefined ? '' : shownMode(type, facts.mode)),
    element('span', { class: 'size' }, type === 'file' ? shownSize(facts?.sizeBytes) : ''),
  );
  if (pointedOut !== 0 && !layers.includes(pointedOut)) row.classList.add('dim');
  return row;
}
