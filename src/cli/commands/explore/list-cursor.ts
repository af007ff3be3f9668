/** Which line of a long list is chosen, and which lines are seen. */

import type { Key } from '../../terminal/terminal-screen.js';

export class ListCursor {
  at = 0;
  #top = 0;
  #rows = 1;

  /** How many lines there is room for, of a list of that many. @returns the first that is seen. */
  scroll(rows: number, total: number): number {
    this.#rows = Math.max(1, rows);
    this.at = Math.max(0, Math.min(this.at, total - 1));
    if (this.at < this.#top) this.#top = this.at;
    if (this.at >= this.#top + this.#rows) this.#top = this.at - this.#rows + 1;
    this.#top = Math.max(0, Math.min(this.#top, total - this.#rows));
    return this.#top;
  }

  /** @returns whether the key moves it. */
  press({ name, text }: Key, total: number): boolean {
    const step = STEPS[text] ?? STEPS[name];
    if (step === undefined) return false;
    const page = Math.max(1, this.#rows - 1);
    const wanted = step === 'first' ? 0 : step === 'last' ? total - 1 : this.at + step(page);
    this.at = Math.max(0, Math.min(wanted, total - 1));
    return true;
  }
}

const STEPS: Readonly<Record<string, ((page: number) => number) | 'first' | 'last'>> = {
  up: () => -1,
  k: () => -1,
  down: () => 1,
  j: () => 1,
  pageup: (page) => -page,
  pagedown: (page) => page,
  space: (page) => page,
  home: 'first',
  g: 'first',
  end: 'last',
  G: 'last',
};
