/** What the pages of `plyfs explore` have in common: the answers of the page in the browser, shown as lines. */

import type { PageApi, ShownFacts } from '../../../ui/api.js';
import { shownMode, shownTime } from '../../../ui/page/shown-text.js';
import { humanSize } from '../../print/progress.js';
import type { Key, ScreenLine, Span } from '../../terminal/terminal-screen.js';

export interface ExplorePage {
  readonly title: string;
  /** The keys that are its own, for the last line. */
  readonly keys: string;
  /** Called when it comes into sight. */
  open(): void;
  lines(columns: number, rows: number): readonly ScreenLine[];
  /** @returns whether it was meant for the page. */
  press(key: Key): boolean;
}

/** What a page may ask of the explorer. */
export interface ExploreHost {
  /** NAME as its calls have it: `image:app:1`. */
  readonly source: string;
  ask<M extends keyof PageApi>(method: M, args: PageApi[M][0]): Promise<PageApi[M][1]>;
  /** Something has come: the screen is drawn again. */
  redraw(): void;
  /** Asks for a line of text. */
  prompt(label: string, before: string, done: (text: string) => void): void;
  /** Shows a name in the tree. */
  goTo(path: string): void;
}

/** Something that is asked for: nothing yet, what came, or why nothing came. */
export class Asked<T> {
  value: T | undefined;
  error: string | undefined;
  #latest = 0;

  /** Only what was asked last is kept. */
  ask(load: () => Promise<T>, redraw: () => void): void {
    const mine = ++this.#latest;
    this.error = undefined;
    void this.#take(mine, load).then(redraw);
  }

  async #take(mine: number, load: () => Promise<T>): Promise<void> {
    try {
      const value = await load();
      if (mine === this.#latest) this.value = value;
    } catch (error) {
      if (mine !== this.#latest) return;
      this.value = undefined;
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  /** A line while there is no value. */
  get line(): ScreenLine {
    return this.error === undefined
      ? [{ text: 'Looking ...', style: 'dim' }]
      : [{ text: this.error, style: 'red' }];
  }
}

const LAYER_STYLES = ['cyan', 'green', 'yellow', 'magenta', 'blue'] as const;

/** The number of a layer in its colour; blanks for none. */
export function layerSpan(layer: number, width = 3): Span {
  const text = (layer === 0 ? '' : String(layer)).padStart(width);
  return { text: `${text} `, style: layer === 0 ? undefined : LAYER_STYLES[layer % LAYER_STYLES.length] };
}

export function factsText({ type, mode, uid, gid, sizeBytes, mtimeMs }: ShownFacts): string {
  return `${shownMode(type, mode)}  ${uid}:${gid}  ${humanSize(sizeBytes)}  ${shownTime(mtimeMs)}`;
}

/** A line of a list; the chosen one stands out. */
export function chosenLine(spans: readonly Span[], at: number, chosen: number): readonly Span[] {
  return at === chosen ? [{ text: spans.map(({ text }) => text).join(''), style: 'inverse' }] : spans;
}
