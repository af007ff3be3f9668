/**
 * A list of any length of which only the rows that are seen exist, and which asks for entries as they come into sight.
 *
 * Keys: arrows, Page Up and Down, Home, End, Enter; Backspace or Arrow Left for what is above.
 */

import { element } from './element.js';

const ROW_PX = 30;
const PAGE = 200;
/** Browsers draw no element of more pixels; the rows beyond are reached by keys. */
const MOST_PX = 15_000_000;
const SPARE_ROWS = 8;
const FIRST_HEIGHT_PX = 600;

interface Loaded<T> {
  readonly total: number;
  readonly from: number;
  readonly entries: readonly T[];
}

interface ListModel<T> {
  readonly label: string;
  load(from: number, count: number): Promise<Loaded<T>>;
  row(entry: T): HTMLElement;
  choose(entry: T): void;
  /** Backspace. */
  above?(): void;
  failed(error: unknown): void;
}

let lists = 0;

export class VirtualList<T> {
  readonly element: HTMLElement;
  readonly #model: ListModel<T>;
  readonly #canvas = element('div', { class: 'rows' });
  readonly #id = `list-${lists++}`;
  readonly #pages = new Map<number, readonly T[] | 'coming'>();
  #total = 0;
  #active = 0;
  #isClosed = false;

  constructor(model: ListModel<T>) {
    this.#model = model;
    this.element = element(
      'div',
      {
        class: 'list',
        attributes: { role: 'listbox', tabindex: '0', 'aria-label': model.label },
        on: { scroll: () => this.#draw(), keydown: (event) => this.#key(event as KeyboardEvent) },
      },
      this.#canvas,
    );
    this.#canvas.setAttribute('role', 'presentation');
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  /** @param active index of the row to begin with. */
  start(first: Loaded<T>, active: number): void {
    this.#total = first.total;
    this.#active = Math.min(active, Math.max(0, first.total - 1));
    this.#canvas.style.height = `${Math.min(MOST_PX, first.total * ROW_PX)}px`;
    this.#keep(first);
    this.#draw();
    this.#show(this.#active);
  }

  get total(): number {
    return this.#total;
  }

  setActive(index: number): void {
    this.#active = Math.max(0, Math.min(this.#total - 1, index));
    this.#show(this.#active);
    this.#draw();
  }

  close(): void {
    this.#isClosed = true;
  }

  #keep({ from, entries }: Loaded<T>): void {
    // Pages begin at multiples of PAGE; a first page that was asked for elsewhere is cut to them.
    for (let at = Math.ceil(from / PAGE) * PAGE; at < from + entries.length; at += PAGE) {
      const page = entries.slice(at - from, at - from + PAGE);
      if (page.length === PAGE || at + page.length === this.#total) this.#pages.set(at, page);
    }
  }

  #entry(index: number): T | undefined {
    const at = index - (index % PAGE);
    const page = this.#pages.get(at);
    if (page === undefined) void this.#load(at);
    return page === undefined || page === 'coming' ? undefined : page[index - at];
  }

  async #load(at: number): Promise<void> {
    this.#pages.set(at, 'coming');
    try {
      const loaded = await this.#model.load(at, PAGE);
      this.#pages.set(at, loaded.entries);
      if (!this.#isClosed) this.#draw();
    } catch (error) {
      this.#pages.delete(at);
      this.#model.failed(error);
    }
  }

  #firstSeen(): number {
    const heightPx = this.#total * ROW_PX;
    const scale = heightPx > MOST_PX ? heightPx / MOST_PX : 1;
    return Math.floor((this.element.scrollTop * scale) / ROW_PX);
  }

  #draw(): void {
    const first = Math.max(0, this.#firstSeen() - SPARE_ROWS);
    const seen = Math.ceil((this.element.clientHeight || FIRST_HEIGHT_PX) / ROW_PX) + 2 * SPARE_ROWS;
    const last = Math.min(this.#total, first + seen);
    const offset = this.element.scrollTop - this.#firstSeen() * ROW_PX;
    const isScaled = this.#total * ROW_PX > MOST_PX;
    const rows: HTMLElement[] = [];
    for (let index = first; index < last; index++) {
      const row = this.#row(index);
      row.style.top = `${index * ROW_PX + (isScaled ? offset : 0)}px`;
      rows.push(row);
    }
    this.#canvas.replaceChildren(...rows);
    const isDrawn = this.#active >= first && this.#active < last;
    if (isDrawn) this.element.setAttribute('aria-activedescendant', `${this.#id}-${this.#active}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  #row(index: number): HTMLElement {
    const entry = this.#entry(index);
    const row = entry === undefined ? element('div', { class: 'quiet' }, '…') : this.#model.row(entry);
    row.classList.add('row');
    row.id = `${this.#id}-${index}`;
    row.setAttribute('role', 'option');
    row.setAttribute('aria-selected', String(index === this.#active));
    row.setAttribute('aria-setsize', String(this.#total));
    row.setAttribute('aria-posinset', String(index + 1));
    row.addEventListener('click', () => {
      this.#active = index;
      this.#draw();
      if (entry !== undefined) this.#model.choose(entry);
    });
    return row;
  }

  #show(index: number): void {
    const height = this.element.clientHeight || FIRST_HEIGHT_PX;
    const heightPx = this.#total * ROW_PX;
    const scale = heightPx > MOST_PX ? MOST_PX / heightPx : 1;
    const top = index * ROW_PX * scale;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + ROW_PX > this.element.scrollTop + height) this.element.scrollTop = top + ROW_PX - height;
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_PX) - 1);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: this.#active + 1,
      ArrowUp: this.#active - 1,
      PageDown: this.#active + page,
      PageUp: this.#active - page,
      Home: 0,
      End: this.#total - 1,
    };
    const to = moves[event.key];
    const entry = this.#entry(this.#active);
    if (to !== undefined) this.setActive(to);
    else if (event.key === 'Enter' && entry !== undefined) this.#model.choose(entry);
    else if ((event.key === 'Backspace' || event.key === 'ArrowLeft') && this.#model.above !== undefined)
      this.#model.above();
    else return;
    event.preventDefault();
  }
}

/** Pages of a list that is all there already. */
export function loadedPages<T>(entries: readonly T[]): ListModel<T>['load'] {
  return (from, count) =>
    Promise.resolve({ total: entries.length, from, entries: entries.slice(from, from + count) });
}
