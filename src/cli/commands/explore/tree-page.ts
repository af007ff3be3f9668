/** The layers, and the merged tree: which layer wins each name, and why. */

import type { ContentReply, ShownEntry, StackReply, WhyAnswer } from '../../../ui/api.js';
import { humanSize } from '../../print/progress.js';
import type { Key, ScreenLine, Span } from '../../terminal/terminal-screen.js';
import {
  Asked,
  chosenLine,
  type ExploreHost,
  type ExplorePage,
  factsText,
  layerSpan,
} from './explore-page.js';
import { ListCursor } from './list-cursor.js';

const PAGE_ENTRIES = 200;
const MOST_LAYERS = 8;
const MOST_WHY = 8;
const SMALL_ROWS = 12;

export class TreePage implements ExplorePage {
  readonly title = 'Tree';
  readonly #host: ExploreHost;
  readonly #stack = new Asked<StackReply>();
  readonly #why = new Asked<WhyAnswer>();
  readonly #content = new Asked<ContentReply>();
  readonly #contentCursor = new ListCursor();
  #cursor = new ListCursor();
  #directory = '';
  #total: number | undefined;
  #error: string | undefined;
  #entries = new Map<number, ShownEntry>();
  readonly #asked = new Set<number>();
  /** The name to choose when it is there. */
  #wanted: string | undefined;
  #isReading = false;
  /** What the answer to why is about. */
  #explained = '';

  constructor(host: ExploreHost) {
    this.#host = host;
  }

  get keys(): string {
    return this.#isReading ? 'Esc back' : 'Enter open or read, Backspace up';
  }

  open(): void {
    const { source } = this.#host;
    if (this.#stack.value === undefined)
      this.#stack.ask(
        () => this.#host.ask('stack', { source }),
        () => this.#host.redraw(),
      );
    if (this.#total === undefined) this.#load(0);
  }

  /** Shows a path with its directory around it. */
  show(path: string): void {
    const slash = path.lastIndexOf('/');
    this.#enter(path.slice(0, Math.max(0, slash)), path.slice(slash + 1));
  }

  #enter(directory: string, wanted?: string): void {
    this.#directory = directory;
    this.#wanted = wanted;
    this.#cursor = new ListCursor();
    this.#entries = new Map();
    this.#asked.clear();
    this.#total = undefined;
    this.#isReading = false;
    this.#load(0, wanted);
  }

  #load(from: number, name?: string): void {
    if (this.#asked.has(from)) return;
    this.#asked.add(from);
    const directory = this.#directory;
    const args = { source: this.#host.source, path: directory, from, count: PAGE_ENTRIES };
    void this.#host
      .ask('directory', name === undefined ? args : { ...args, name })
      .then(
        (reply) => {
          if (directory !== this.#directory) return;
          this.#total = reply.total;
          this.#error = undefined;
          this.#asked.add(reply.from);
          for (const [index, entry] of reply.entries.entries()) this.#entries.set(reply.from + index, entry);
          if (name === undefined || this.#wanted !== name) return;
          this.#cursor.at =
            reply.from +
            Math.max(
              0,
              reply.entries.findIndex((entry) => entry.name === name),
            );
          this.#wanted = undefined;
          // What else is seen around it was not asked for.
          if (reply.from !== from) this.#asked.delete(from);
        },
        (error: unknown) => {
          this.#error = error instanceof Error ? error.message : String(error);
        },
      )
      .then(() => this.#host.redraw());
  }

  lines(columns: number, rows: number): ScreenLine[] {
    if (this.#isReading) return this.#contentLines(rows);
    const rule: ScreenLine = [{ text: '-'.repeat(columns), style: 'dim' }];
    // On a small screen the names are what there is room for.
    const isSmall = rows < SMALL_ROWS;
    const stack = isSmall ? [] : [...this.#stackLines(Math.min(MOST_LAYERS, Math.floor(rows / 4))), rule];
    const why = this.#whyLines().slice(0, Math.min(MOST_WHY, Math.floor(rows / 3)));
    const room = Math.max(1, rows - stack.length - why.length - 2);
    return [
      ...stack,
      [{ text: `/${this.#directory}`, style: 'bold' }],
      ...this.#listLines(room),
      rule,
      ...why,
    ];
  }

  #stackLines(most: number): ScreenLine[] {
    const { value } = this.#stack;
    if (value === undefined) return [this.#stack.line];
    const lines = value.layers.map(
      ({ number, kind, sizeBytes, createdBy }): ScreenLine => [
        layerSpan(number),
        { text: `${sizeBytes === undefined ? '' : humanSize(sizeBytes)}`.padStart(7) },
        { text: `  ${kind === 'upper' ? 'upper' : createdBy}` },
      ],
    );
    const mounts = value.mounts.map(
      ({ type, target, source, isReadOnly }): ScreenLine => [
        { text: `    ${type} ${target} ${source}${isReadOnly ? ' ro' : ''}`, style: 'dim' },
      ],
    );
    const all = [...mounts, ...lines];
    if (all.length === 0) return [[{ text: value.note, style: 'dim' }]];
    return all.length <= most
      ? all
      : [...all.slice(0, most - 1), [{ text: `    and ${all.length - most + 1} more`, style: 'dim' }]];
  }

  #listLines(room: number): ScreenLine[] {
    if (this.#error !== undefined) return filled([[{ text: this.#error, style: 'red' }]], room);
    if (this.#total === undefined) return filled([[{ text: 'Looking ...', style: 'dim' }]], room);
    const top = this.#cursor.scroll(room, this.#total);
    const lines: ScreenLine[] = [];
    for (let index = top; index < Math.min(top + room, this.#total); index++) {
      const entry = this.#entries.get(index);
      if (entry === undefined) this.#load(index - (index % PAGE_ENTRIES));
      lines.push(entry === undefined ? '' : chosenLine(entrySpans(entry), index, this.#cursor.at));
    }
    this.#explain();
    return filled(lines, room);
  }

  get #chosen(): ShownEntry | undefined {
    return this.#entries.get(this.#cursor.at);
  }

  get #chosenPath(): string {
    const name = this.#chosen?.name ?? '';
    return this.#directory === '' || name === '' ? `${this.#directory}${name}` : `${this.#directory}/${name}`;
  }

  /** Asks about what is chosen, once. */
  #explain(): void {
    const path = this.#chosenPath;
    if (path === this.#explained) return;
    this.#explained = path;
    const { source } = this.#host;
    this.#why.ask(
      () => this.#host.ask('why', { source, path }),
      () => this.#host.redraw(),
    );
  }

  #whyLines(): ScreenLine[] {
    const { value } = this.#why;
    if (value === undefined) return [this.#why.line];
    const { facts, target, chain, path } = value;
    const first = `${path}${target === undefined ? '' : ` -> ${target}`}`;
    return [
      [
        { text: first, style: 'bold' },
        { text: facts === undefined ? '' : `  ${factsText(facts)}`, style: 'dim' },
      ],
      ...chain.map(
        ({ layer, what, by, note }): ScreenLine => [
          layerSpan(layer ?? 0),
          { text: what.padEnd(9) },
          { text: [by === undefined ? '' : `by ${by}`, note ?? ''].filter((part) => part !== '').join('; ') },
        ],
      ),
    ];
  }

  #contentLines(rows: number): ScreenLine[] {
    const { value } = this.#content;
    const head: ScreenLine = [{ text: `/${this.#chosenPath}`, style: 'bold' }];
    if (value === undefined) return [head, this.#content.line];
    if (value.text === undefined) return [head, `${value.kind}, ${humanSize(value.sizeBytes)}`];
    const text = value.text.split('\n').map((line) => line.replaceAll('\t', '    '));
    const top = this.#contentCursor.scroll(rows - 1, text.length);
    // The cursor is not seen: the text moves.
    return [head, ...text.slice(top, top + rows - 1)];
  }

  press(key: Key): boolean {
    if (this.#isReading) return this.#pressReading(key);
    if (this.#cursor.press(key, this.#total ?? 0)) return true;
    if (key.name === 'return' || key.name === 'right' || key.text === 'l') this.#openChosen();
    else if (key.name === 'backspace' || key.name === 'left' || key.text === 'h') this.#up();
    else return false;
    return true;
  }

  #pressReading(key: Key): boolean {
    if (key.name === 'escape' || key.name === 'backspace' || key.name === 'left' || key.text === 'q')
      this.#isReading = false;
    else return this.#contentCursor.press(key, this.#content.value?.text?.split('\n').length ?? 0);
    return true;
  }

  #openChosen(): void {
    const entry = this.#chosen;
    if (entry?.facts?.type === 'directory') this.#enter(this.#chosenPath);
    else if (entry?.facts?.type === 'file') {
      const { source } = this.#host;
      const path = this.#chosenPath;
      const layer = entry.hidden === undefined ? undefined : entry.layer;
      this.#isReading = true;
      this.#contentCursor.at = 0;
      this.#content.value = undefined;
      this.#content.ask(
        () => this.#host.ask('content', { source, path, layer }),
        () => this.#host.redraw(),
      );
    }
  }

  #up(): void {
    if (this.#directory !== '') this.show(this.#directory);
  }
}

function entrySpans({ name, facts, layer, hidden, mount }: ShownEntry): Span[] {
  const slash = facts?.type === 'directory' ? '/' : '';
  const size = facts?.type === 'file' ? humanSize(facts.sizeBytes) : '';
  const notes = [
    ...(hidden === undefined ? [] : [`deleted in ${hidden.layer}`]),
    ...(mount === undefined ? [] : [mount]),
  ];
  return [
    layerSpan(layer),
    { text: size.padStart(7) },
    { text: `  ${name}${slash}`, style: hidden === undefined ? undefined : 'dim' },
    { text: notes.length === 0 ? '' : `  (${notes.join(', ')})`, style: 'dim' },
  ];
}

function filled(lines: ScreenLine[], rows: number): ScreenLine[] {
  return [...lines, ...new Array<ScreenLine>(Math.max(0, rows - lines.length)).fill('')];
}
