/** What takes the space, directory by directory, and what of it is wasted, with the line of the history that caused it. */

import type { SpaceEntry, SpaceReply, WasteReply } from '../../../ui/api.js';
import { humanSize } from '../../print/progress.js';
import type { Key, ScreenLine } from '../../terminal/terminal-screen.js';
import { Asked, chosenLine, type ExploreHost, type ExplorePage, layerSpan } from './explore-page.js';
import { ListCursor } from './list-cursor.js';

const BAR_CELLS = 20;

export class SpacePage implements ExplorePage {
  readonly title = 'Space';
  readonly #host: ExploreHost;
  readonly #space = new Asked<SpaceReply>();
  readonly #waste = new Asked<WasteReply>();
  #cursor = new ListCursor();
  #path: string | undefined;
  #showsWaste = false;

  constructor(host: ExploreHost) {
    this.#host = host;
  }

  get keys(): string {
    return this.#showsWaste ? 'w sizes, Enter in the tree' : 'w waste, Enter open, Backspace up';
  }

  open(): void {
    if (this.#path === undefined) this.#enter('');
  }

  #enter(path: string): void {
    const { source } = this.#host;
    this.#path = path;
    this.#cursor = new ListCursor();
    this.#space.value = undefined;
    this.#space.ask(
      () => this.#host.ask('space', { source, path }),
      () => this.#host.redraw(),
    );
  }

  lines(columns: number, rows: number): ScreenLine[] {
    return this.#showsWaste ? this.#wasteLines(rows) : this.#spaceLines(columns, rows);
  }

  #spaceLines(columns: number, rows: number): ScreenLine[] {
    const { value } = this.#space;
    if (value === undefined) return [this.#space.line];
    const { entries, rest, path } = value;
    const total = entries.reduce((sum, { bytes }) => sum + bytes, rest.bytes);
    const room = rows - 2;
    const top = this.#cursor.scroll(room, entries.length);
    const cells = Math.max(4, Math.min(BAR_CELLS, Math.floor(columns / 5)));
    return [
      [{ text: `/${path}  ${humanSize(total)}`, style: 'bold' }],
      ...entries.slice(top, top + room).map((entry, index): ScreenLine => {
        const bar = '#'.repeat(total === 0 ? 0 : Math.round((entry.bytes / total) * cells)).padEnd(cells);
        const spans = [
          layerSpan(largestLayer(entry)),
          { text: humanSize(entry.bytes).padStart(8) },
          { text: `  ${bar}  ${entry.name}${entry.isDirectory ? '/' : ''}` },
        ];
        return chosenLine(spans, top + index, this.#cursor.at);
      }),
      ...(rest.count === 0 ? [] : [`     ${humanSize(rest.bytes)} in ${rest.count} smaller ones`]),
    ];
  }

  #wasteLines(rows: number): ScreenLine[] {
    const { value } = this.#waste;
    if (value === undefined) return [this.#waste.line];
    const { files, wastedBytes, totalBytes, count } = value;
    const share = totalBytes === 0 ? 0 : Math.round((wastedBytes / totalBytes) * 100);
    const room = rows - 1;
    const top = this.#cursor.scroll(room, files.length);
    return [
      [
        {
          text: `${humanSize(wastedBytes)} of ${humanSize(totalBytes)} are wasted (${share}%), in ${count} files`,
          style: 'bold',
        },
      ],
      ...files
        .slice(top, top + room)
        .map(
          ({ path, kind, sizeBytes, layer, createdBy }, index): ScreenLine =>
            chosenLine(
              [
                layerSpan(layer),
                { text: `${humanSize(sizeBytes).padStart(8)}  ${kind.padEnd(10)}  /${path}  (${createdBy})` },
              ],
              top + index,
              this.#cursor.at,
            ),
        ),
    ];
  }

  press(key: Key): boolean {
    const entries = this.#space.value?.entries ?? [];
    const files = this.#waste.value?.files ?? [];
    if (this.#cursor.press(key, this.#showsWaste ? files.length : entries.length)) return true;
    if (key.text === 'w') this.#toggleWaste();
    else if (key.name === 'return' || key.name === 'right') this.#openChosen(entries, files);
    else if ((key.name === 'backspace' || key.name === 'left') && !this.#showsWaste) {
      const path = this.#path ?? '';
      if (path !== '') this.#enter(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    } else return false;
    return true;
  }

  #toggleWaste(): void {
    this.#showsWaste = !this.#showsWaste;
    this.#cursor = new ListCursor();
    if (!this.#showsWaste || this.#waste.value !== undefined) return;
    const { source } = this.#host;
    this.#waste.ask(
      () => this.#host.ask('waste', { source }),
      () => this.#host.redraw(),
    );
  }

  #openChosen(entries: readonly SpaceEntry[], files: WasteReply['files']): void {
    const base = this.#path ?? '';
    const file = files[this.#cursor.at];
    const entry = entries[this.#cursor.at];
    if (this.#showsWaste && file !== undefined) this.#host.goTo(file.path);
    else if (entry !== undefined && !this.#showsWaste) {
      const path = base === '' ? entry.name : `${base}/${entry.name}`;
      if (entry.isDirectory) this.#enter(path);
      else this.#host.goTo(path);
    }
  }
}

/** The layer that has most of it. */
function largestLayer({ byLayer }: SpaceEntry): number {
  const [first] = [...byLayer].sort(([, one], [, other]) => other - one);
  return first?.[0] ?? 0;
}
