/** `plyfs explore` on its screen: pages, the line that is typed, and what the threads answer. */

import type { PageApi } from '../../../ui/api.js';
import type { AnswerLane } from '../../../ui/serve/answer-lane.js';
import { cellWidth, endCells, fitCells } from '../../terminal/cell-width.js';
import type { Key, ScreenLine, Span, TerminalScreen } from '../../terminal/terminal-screen.js';
import { ComparePage } from './compare-page.js';
import type { ExploreHost, ExplorePage } from './explore-page.js';
import { FindPage } from './find-page.js';
import { SpacePage } from './space-page.js';
import { TreePage } from './tree-page.js';

interface Prompt {
  readonly label: string;
  text: string;
  readonly done: (text: string) => void;
}

interface ExplorerOptions {
  readonly screen: TerminalScreen;
  /** NAME as its calls have it. */
  readonly source: string;
  /** Threads: one answers quick questions, the other goes through all layers. */
  readonly lanes: { readonly trees: AnswerLane; readonly searches: AnswerLane };
  readonly sourceOf: (name: string) => Promise<string>;
  readonly quit: () => void;
}

const SEARCHES: readonly string[] = ['space', 'waste', 'find', 'compare', 'hunks'];

export class Explorer implements ExploreHost {
  readonly source: string;
  readonly #options: ExplorerOptions;
  readonly #tree: TreePage;
  readonly #find: FindPage;
  readonly #pages: readonly ExplorePage[];
  #page: ExplorePage;
  #prompt: Prompt | undefined;
  #isHelping = false;

  constructor(options: ExplorerOptions) {
    this.#options = options;
    this.source = options.source;
    this.#tree = new TreePage(this);
    this.#find = new FindPage(this);
    this.#pages = [this.#tree, new SpacePage(this), this.#find, new ComparePage(this, options.sourceOf)];
    this.#page = this.#tree;
    const { screen } = options;
    screen.onKey = (key) => this.#press(key);
    screen.onRedraw = () => this.redraw();
    this.#open(this.#tree);
  }

  async ask<M extends keyof PageApi>(method: M, args: PageApi[M][0]): Promise<PageApi[M][1]> {
    const { trees, searches } = this.#options.lanes;
    const lane = SEARCHES.includes(method) ? searches : trees;
    return (await lane.ask(method, args)) as PageApi[M][1];
  }

  prompt(label: string, before: string, done: (text: string) => void): void {
    this.#prompt = { label, text: before, done };
    this.redraw();
  }

  goTo(path: string): void {
    this.#tree.show(path);
    this.#open(this.#tree);
  }

  #open(page: ExplorePage): void {
    this.#page = page;
    page.open();
    this.redraw();
  }

  redraw(): void {
    const { screen } = this.#options;
    const { columns, rows } = screen;
    const room = Math.max(1, rows - 3);
    const shown = this.#isHelping ? this.#helpLines() : this.#page.lines(columns, room);
    const body = shown.slice(0, room);
    const rest = Math.max(0, rows - 3 - body.length);
    screen.draw([this.#tabs(), '', ...body, ...new Array<ScreenLine>(rest).fill(''), this.#lastLine()]);
  }

  #tabs(): ScreenLine {
    const tabs = this.#pages.flatMap((page, index): Span[] => [
      { text: ` ${index + 1} ${page.title} `, style: page === this.#page ? 'inverse' : undefined },
      { text: ' ' },
    ]);
    return [...tabs, { text: this.source, style: 'bold' }];
  }

  #lastLine(): ScreenLine {
    if (this.#prompt !== undefined) return promptLine(this.#prompt, this.#options.screen.columns);
    if (this.#isHelping) return [{ text: 'any key goes back', style: 'dim' }];
    // What is cut at the end is in the help too.
    return [{ text: `q quit, ? keys, 1-4 pages, ${this.#page.keys}`, style: 'dim' }];
  }

  #helpLines(): ScreenLine[] {
    const own = [this.#page, ...this.#pages.filter((page) => page !== this.#page)];
    return [
      'q, Ctrl-C   quit',
      '1-4, Tab    tree, space, find, compare',
      '/           find by name in all layers',
      'arrows hjkl, PgUp PgDn, Home End: move',
      ...own.map((page): ScreenLine => [{ text: `${page.title}: `, style: 'bold' }, { text: page.keys }]),
    ];
  }

  #press(key: Key): void {
    if (this.#isHelping) this.#isHelping = false;
    else if (this.#prompt !== undefined) this.#type(this.#prompt, key);
    else if (!this.#page.press(key)) this.#pressOwn(key);
    this.redraw();
  }

  #pressOwn({ name, text }: Key): void {
    const page = /^[1-4]$/.test(text) ? this.#pages[Number(text) - 1] : undefined;
    if (page !== undefined) this.#open(page);
    else if (name === 'tab')
      this.#open(this.#pages[(this.#pages.indexOf(this.#page) + 1) % this.#pages.length]!);
    else if (text === '/') {
      this.#page = this.#find;
      this.#find.askForName();
    } else if (text === '?') this.#isHelping = true;
    else if (text === 'q') this.#options.quit();
  }

  #type(prompt: Prompt, { name, text, ctrl }: Key): void {
    if (name === 'return' || name === 'enter') {
      this.#prompt = undefined;
      prompt.done(prompt.text.trim());
    } else if (name === 'escape') this.#prompt = undefined;
    else if (name === 'backspace') prompt.text = [...prompt.text].slice(0, -1).join('');
    else if (ctrl && name === 'u') prompt.text = '';
    else if (!/[\p{Cc}]/u.test(text)) prompt.text += text;
  }
}

/** What is typed is seen to its end, however long it is and however small the screen. */
function promptLine({ label, text }: Prompt, columns: number): ScreenLine {
  const shownText = endCells(text, Math.max(1, columns - 1 - Math.min(cellWidth(label), columns >> 1)));
  const room = columns - 1 - cellWidth(shownText);
  return [
    { text: cellWidth(label) <= room ? label : fitCells(label, room), style: 'bold' },
    { text: shownText },
    { text: ' ', style: 'inverse' },
  ];
}
