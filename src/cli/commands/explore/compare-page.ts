/** What differs from another image, container or volume, with the lines of texts. */

import type { CompareReply, DifferenceLine, HunksReply, ShownFacts } from '../../../ui/api.js';
import type { Key, ScreenLine, Span } from '../../terminal/terminal-screen.js';
import { Asked, chosenLine, type ExploreHost, type ExplorePage, factsText } from './explore-page.js';
import { ListCursor } from './list-cursor.js';

const STYLES = { A: 'green', D: 'red', C: 'yellow', R: 'cyan' } as const;

export class ComparePage implements ExplorePage {
  readonly title = 'Compare';
  readonly #host: ExploreHost;
  readonly #sourceOf: (name: string) => Promise<string>;
  readonly #compared = new Asked<CompareReply>();
  readonly #hunks = new Asked<HunksReply>();
  readonly #hunksCursor = new ListCursor();
  #cursor = new ListCursor();
  #other = '';
  #source = '';
  #read: DifferenceLine | undefined;

  /** @param sourceOf what NAME is. */
  constructor(host: ExploreHost, sourceOf: (name: string) => Promise<string>) {
    this.#host = host;
    this.#sourceOf = sourceOf;
  }

  get keys(): string {
    return this.#read === undefined ? 'o with another, Enter lines' : 'Esc back';
  }

  open(): void {
    if (this.#other === '') this.#askForOther();
  }

  #askForOther(): void {
    this.#host.prompt('Compare with: ', this.#other, (name) => {
      if (name !== '') this.#compare(name);
    });
  }

  #compare(name: string): void {
    this.#other = name;
    this.#read = undefined;
    this.#cursor = new ListCursor();
    this.#compared.value = undefined;
    const load = async (): Promise<CompareReply> => {
      this.#source = await this.#sourceOf(name);
      return this.#host.ask('compare', { before: this.#host.source, after: this.#source, isSemantic: false });
    };
    this.#compared.ask(load, () => this.#host.redraw());
  }

  lines(_columns: number, rows: number): ScreenLine[] {
    if (this.#other === '')
      return [
        'With an image, a container or a volume:',
        'its name, as app:2 or web.',
        "'o' asks for it again.",
      ];
    if (this.#read !== undefined) return this.#hunkLines(this.#read, rows);
    const { value } = this.#compared;
    const head: ScreenLine = [
      { text: `${this.#host.source} -> ${this.#source || this.#other}`, style: 'bold' },
    ];
    if (value === undefined) return [head, this.#compared.line];
    if (value.count === 0) return [head, 'No difference.'];
    const { differences, count } = value;
    const room = rows - 2;
    const top = this.#cursor.scroll(room, differences.length);
    return [
      head,
      ...differences
        .slice(top, top + room)
        .map((line, index) => chosenLine(differenceSpans(line), top + index, this.#cursor.at)),
      ...(count > differences.length ? [`The first ${differences.length} of ${count}.`] : []),
    ];
  }

  #hunkLines({ path, aspects, before, after }: DifferenceLine, rows: number): ScreenLine[] {
    const head: ScreenLine = [{ text: `/${path}`, style: 'bold' }];
    if (!aspects.includes('content')) return [head, sideLine('before', before), sideLine('after', after)];
    const { value } = this.#hunks;
    if (value === undefined) return [head, this.#hunks.line];
    if (value.lines === undefined) return [head, 'It is no text.'];
    const top = this.#hunksCursor.scroll(rows - 1, value.lines.length);
    return [head, ...value.lines.slice(top, top + rows - 1).map(hunkLine)];
  }

  press(key: Key): boolean {
    if (this.#read !== undefined) {
      if (key.name === 'escape' || key.name === 'backspace' || key.name === 'left') this.#read = undefined;
      else return this.#hunksCursor.press(key, this.#hunks.value?.lines?.length ?? 0);
      return true;
    }
    const differences = this.#compared.value?.differences ?? [];
    if (this.#cursor.press(key, differences.length)) return true;
    if (key.text === 'o') this.#askForOther();
    else if (key.name === 'return' || key.name === 'right') this.#readChosen(differences[this.#cursor.at]);
    else return false;
    return true;
  }

  #readChosen(line: DifferenceLine | undefined): void {
    if (line === undefined) return;
    this.#read = line;
    if (!line.aspects.includes('content')) return;
    this.#hunksCursor.at = 0;
    this.#hunks.value = undefined;
    const args = { before: this.#host.source, after: this.#source, path: line.path };
    this.#hunks.ask(
      () => this.#host.ask('hunks', args),
      () => this.#host.redraw(),
    );
  }
}

function differenceSpans({ kind, path, from, aspects }: DifferenceLine): Span[] {
  const name = from === undefined ? `/${path}` : `/${from} -> /${path}`;
  return [
    { text: `${kind}  `, style: STYLES[kind] },
    { text: name },
    { text: aspects.length === 0 ? '' : `  (${aspects.join(', ')})`, style: 'dim' },
  ];
}

function sideLine(side: string, facts: ShownFacts | undefined): ScreenLine {
  return `${side.padEnd(6)}  ${facts === undefined ? 'nothing' : factsText(facts)}`;
}

function hunkLine(line: string): ScreenLine {
  const text = line.replaceAll('\t', '    ');
  if (line.startsWith('+')) return [{ text, style: 'green' }];
  if (line.startsWith('-')) return [{ text, style: 'red' }];
  return line.startsWith('@@') ? [{ text, style: 'cyan' }] : text;
}
