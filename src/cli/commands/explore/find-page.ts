/** Search in all layers, what later ones hide too. */

import type { FindArgs, FindReply } from '../../../ui/api.js';
import { humanSize } from '../../print/progress.js';
import type { Key, ScreenLine } from '../../terminal/terminal-screen.js';
import { Asked, chosenLine, type ExploreHost, type ExplorePage, layerSpan } from './explore-page.js';
import { ListCursor } from './list-cursor.js';

/** What can be typed. */
const HINTS: readonly ScreenLine[] = [
  'In all layers, deleted names too:',
  [{ text: '  *.pem       ', style: 'bold' }, { text: 'a name, in any directory' }],
  [{ text: '  /etc/**/*.d ', style: 'bold' }, { text: 'a path; ** is any directories' }],
  [{ text: '  (nothing)   ', style: 'bold' }, { text: 'every name' }],
  [{ text: "then 'c' for content, 'd' for deleted,", style: 'dim' }],
  [{ text: "'u' for setuid and setgid alone", style: 'dim' }],
];

export class FindPage implements ExplorePage {
  readonly title = 'Find';
  readonly keys = '/ name, c content, d deleted, u set-id, Enter in the tree';
  readonly #host: ExploreHost;
  readonly #found = new Asked<FindReply>();
  #cursor = new ListCursor();
  #args: Omit<FindArgs, 'source'> = {};
  #isAsked = false;

  constructor(host: ExploreHost) {
    this.#host = host;
  }

  open(): void {
    if (!this.#isAsked) this.askForName();
  }

  askForName(): void {
    this.#host.prompt('Name or glob: ', this.#args.pattern ?? '', (pattern) =>
      this.#find({ ...this.#args, pattern }),
    );
  }

  #find(args: Omit<FindArgs, 'source'>): void {
    this.#args = args;
    this.#isAsked = true;
    this.#cursor = new ListCursor();
    this.#found.value = undefined;
    this.#found.ask(
      () => this.#host.ask('find', { ...args, source: this.#host.source }),
      () => this.#host.redraw(),
    );
  }

  lines(_columns: number, rows: number): readonly ScreenLine[] {
    const { pattern = '', content = '', isHidden = false, isSetId = false } = this.#args;
    const words = [
      `name ${pattern === '' ? 'any' : pattern}`,
      ...(content === '' ? [] : [`content ${content}`]),
      ...(isHidden ? ['deleted alone'] : []),
      ...(isSetId ? ['set-id alone'] : []),
    ];
    const head: ScreenLine = [{ text: words.join(', '), style: 'bold' }];
    if (!this.#isAsked) return HINTS;
    const { value } = this.#found;
    if (value === undefined) return [head, this.#found.line];
    if (value.rows.length === 0) return [head, 'Nothing was found.', '', ...HINTS];
    const room = rows - 2;
    const top = this.#cursor.scroll(room, value.rows.length);
    return [
      head,
      ...value.rows.slice(top, top + room).map(
        ({ path, layer, facts, hidden }, index): ScreenLine =>
          chosenLine(
            [
              layerSpan(layer),
              { text: humanSize(facts.sizeBytes).padStart(8) },
              { text: `  /${path}`, style: hidden === undefined ? undefined : 'dim' },
              {
                text: hidden === undefined ? '' : `  (${hidden.kind} of layer ${hidden.layer})`,
                style: 'dim',
              },
            ],
            top + index,
            this.#cursor.at,
          ),
      ),
      ...(value.isCut ? ['There is more.'] : []),
    ];
  }

  press(key: Key): boolean {
    const rows = this.#found.value?.rows ?? [];
    if (this.#cursor.press(key, rows.length)) return true;
    const args = this.#args;
    if (key.text === 'c')
      this.#host.prompt('Content: ', args.content ?? '', (content) => this.#find({ ...this.#args, content }));
    else if (key.text === 'd') this.#find({ ...args, isHidden: args.isHidden === true ? undefined : true });
    else if (key.text === 'u') this.#find({ ...args, isSetId: args.isSetId === true ? undefined : true });
    else if (key.name === 'return') {
      const row = rows[this.#cursor.at];
      if (row !== undefined) this.#host.goTo(row.path);
    } else return false;
    return true;
  }
}
