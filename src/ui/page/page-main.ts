/** The page: its head, the view that the address names, and the keys. */

import type { OverviewReply } from '../api.js';
import { hashOf, type PageAddress, placeOf } from './address.js';
import { call, takeToken } from './call-api.js';
import { button, element, hyperlink } from './element.js';
import { errorBox, selectOf, sourcesOf, type View } from './page-view.js';
import { shownName } from './shown-text.js';
import { CompareView } from './views/compare-view.js';
import { DraftsView } from './views/drafts-view.js';
import { FindView } from './views/find-view.js';
import { HomeView } from './views/home-view.js';
import { LiveView } from './views/live-view.js';
import { SpaceView } from './views/space-view.js';
import { TreeView } from './views/tree-view.js';
import { VolumesView } from './views/volumes-view.js';

interface Tab {
  readonly view: string;
  readonly title: string;
  /** Whether it shows one source. */
  readonly isOfSource: boolean;
}

const TABS: readonly Tab[] = [
  { view: 'home', title: 'Home', isOfSource: false },
  { view: 'tree', title: 'Tree', isOfSource: true },
  { view: 'space', title: 'Space', isOfSource: true },
  { view: 'find', title: 'Find', isOfSource: true },
  { view: 'compare', title: 'Compare', isOfSource: true },
  { view: 'volumes', title: 'Volumes', isOfSource: false },
  { view: 'drafts', title: 'Drafts', isOfSource: false },
  { view: 'live', title: 'Live', isOfSource: false },
];

class Page {
  readonly #head = element('header', {});
  readonly #main = element('main', { attributes: { tabindex: '-1' } });
  readonly #help = helpDialog();
  #view: View | undefined;
  #overview: OverviewReply | undefined;
  #source = '';
  /** The field to search by is focused when it is there. */
  #wantsPattern = false;

  async start(): Promise<void> {
    document.body.replaceChildren(this.#head, this.#main, this.#help);
    window.addEventListener('hashchange', () => void this.#follow());
    document.addEventListener('keydown', (event) => this.#key(event));
    try {
      const overview = await call('overview', {});
      this.#overview = overview;
      this.#source = overview.start ?? sourcesOf(overview)[0]?.source ?? '';
      const { view } = placeOf(location.hash);
      if (view === 'home' && overview.start !== undefined && !isVisited())
        history.replaceState(undefined, '', hashOf({ view: 'tree', source: overview.start }));
    } catch (error) {
      this.#main.replaceChildren(errorBox(error));
      return;
    }
    this.#show(placeOf(location.hash));
  }

  /** The address has changed; what there is may have too. */
  async #follow(): Promise<void> {
    const place = placeOf(location.hash);
    const isList = place.view === 'home' || place.view === 'volumes';
    // What there was is not shown as if it were still there.
    if (!isList || (await this.#look())) this.#show(place);
  }

  #show(place: PageAddress): void {
    if (place.source !== '') this.#source = place.source;
    this.#drawHead(place);
    document.title = `${shownName(place.source === '' ? place.view : place.source)} – plyfs`;
    if (this.#view?.update?.(place) === true) return;
    this.#view?.close?.();
    this.#view = this.#viewOf(place);
    this.#main.replaceChildren(this.#view.element);
    if (this.#wantsPattern) this.#focus('[name=pattern]');
    this.#wantsPattern = false;
  }

  #focus(selector: string): void {
    this.#main.querySelector<HTMLElement>(selector)?.focus();
  }

  /** @returns whether the server has answered. */
  async #look(): Promise<boolean> {
    try {
      this.#overview = await call('overview', {});
      return true;
    } catch (error) {
      this.#view?.close?.();
      this.#view = undefined;
      this.#main.replaceChildren(errorBox(error));
      return false;
    }
  }

  #viewOf(place: PageAddress): View {
    const overview = this.#overview!;
    if (place.source === '' && TABS.some(({ view, isOfSource }) => view === place.view && isOfSource))
      return this.#viewOf({ ...place, source: this.#source === '' ? 'image:none' : this.#source });
    switch (place.view) {
      case 'tree':
        return new TreeView(place, overview);
      case 'space':
        return new SpaceView(place);
      case 'find':
        return new FindView(place, overview);
      case 'compare':
        return new CompareView(place, overview);
      case 'volumes':
        return new VolumesView(overview);
      case 'drafts':
        return new DraftsView(place, overview);
      case 'live':
        return new LiveView();
      default:
        return new HomeView(overview);
    }
  }

  #drawHead(place: PageAddress): void {
    const tabs = TABS.map((tab, index) => {
      const anchor = hyperlink(this.#hashOf(tab), tab.title);
      anchor.title = `Key ${index + 1}`;
      if (tab.view === place.view) anchor.setAttribute('aria-current', 'page');
      return element('li', {}, anchor);
    });
    const sources = this.#overview === undefined ? [] : sourcesOf(this.#overview);
    const known = sources.some(({ source }) => source === this.#source);
    const all =
      known || this.#source === ''
        ? sources
        : [{ source: this.#source, label: shownName(this.#source) }, ...sources];
    const select = selectOf(all, this.#source, (source) => {
      const view = TABS.find((tab) => tab.view === place.view)?.isOfSource === true ? place.view : 'tree';
      location.hash = hashOf({ view, source });
    });
    select.setAttribute('aria-label', 'What is looked at');
    this.#head.replaceChildren(
      element('h1', {}, hyperlink('#/', 'plyfs')),
      element('nav', { attributes: { 'aria-label': 'Views' } }, element('ul', {}, ...tabs)),
      select,
      button('?', () => this.#help.showModal(), { label: 'Keys' }),
    );
    // On a phone the views stand in a line that is longer than the window.
    this.#head.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  #hashOf({ view, isOfSource }: Tab): string {
    if (view === 'home') return '#/';
    return isOfSource && this.#source !== '' ? hashOf({ view, source: this.#source }) : hashOf({ view });
  }

  #key(event: KeyboardEvent): void {
    const { target, key } = event;
    const isTyped = TYPED.some((kind) => target instanceof kind);
    if (isTyped || event.altKey || event.ctrlKey || event.metaKey || this.#help.open) return;
    const tab = /^[1-9]$/.test(key) ? TABS[Number(key) - 1] : undefined;
    if (tab !== undefined) location.hash = this.#hashOf(tab);
    else if (key === '?') this.#help.showModal();
    else if (key === '/') {
      location.hash = this.#hashOf(TABS.find(({ view }) => view === 'find')!);
      this.#wantsPattern = true;
    } else if (key === 'l') this.#focus('[role=listbox]');
    else return;
    event.preventDefault();
  }
}

const TYPED = [HTMLInputElement, HTMLSelectElement, HTMLTextAreaElement];

const VISITED = 'plyfs-visited';

/** Whether this window has been at the start already: home is home then. */
function isVisited(): boolean {
  const isSo = sessionStorage.getItem(VISITED) === 'yes';
  sessionStorage.setItem(VISITED, 'yes');
  return isSo;
}

const KEYS: readonly (readonly [string, string])[] = [
  ['1 to 8', 'the views'],
  ['/', 'search'],
  ['l', 'to the list'],
  ['arrows, Page Up, Page Down, Home, End', 'in the list'],
  ['Enter', 'opens a directory, explains a file'],
  ['Backspace', 'the directory above'],
  ['?', 'these keys'],
];

function helpDialog(): HTMLDialogElement {
  const rows = KEYS.flatMap(([key, what]) => [element('dt', {}, key), element('dd', {}, what)]);
  const dialog: HTMLDialogElement = element(
    'dialog',
    { attributes: { 'aria-label': 'Keys' } },
    element('h2', {}, 'Keys'),
    element('dl', { class: 'about' }, ...rows),
    button('Close', () => dialog.close()),
  );
  return dialog;
}

takeToken();
await new Page().start();
