/** `plyfs explore` on its screen: pages, the line that is typed, and what the threads answer. */

import type { PageApi } from '../../../ui/api.js';
import type { AnswerLane } from '../../../ui/serve/answer-lane.js';
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
    const body = this.#page.lines(columns, Math.max(1, rows - 3)).slice(0, Math.max(1, rows - 3));
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
    if (this.#prompt !== undefined)
      return [
        { text: this.#prompt.label, style: 'bold' },
        { text: this.#prompt.text },
        { text: ' ', style: 'inverse' },
      ];
    return [{ text: `1-4 pages, ${this.#page.keys}, / find, q quit`, style: 'dim' }];
  }

  #press(key: Key): void {
    if (this.#prompt !== undefined) this.#type(this.#prompt, key);
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
    } else if (text === 'q') this.#options.quit();
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
