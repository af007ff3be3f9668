/**
 * Drafts, and binds with `cow` of containers and mounts: what each would change on the host, hunk by hunk; with `--write`, what was accepted is
 * applied, and the last apply undone.
 */

import type { DraftLine, ReviewLine, ReviewReply } from '../../api.js';
import { hashOf, type PageAddress } from '../address.js';
import { call, change } from '../call-api.js';
import { button, element, emptyNote, hyperlink, table } from '../element.js';
import { errorBox, fill, hunkLine, type View } from '../page-view.js';
import { shownCount, shownName } from '../shown-text.js';

const KINDS = { added: 'A', changed: 'C', deleted: 'D', moved: 'R' } as const;

interface Choice {
  readonly line: ReviewLine;
  /** Whether it is wanted, and which hunks are. */
  readonly box: HTMLInputElement;
  readonly hunks: readonly HTMLInputElement[];
}

export class DraftsView implements View {
  readonly element: HTMLElement;
  readonly #list = element('section', { class: 'panel', attributes: { 'aria-label': 'Drafts' } });
  readonly #review = element('section', { class: 'panel review', attributes: { 'aria-label': 'Review' } });
  readonly #said = element('div', { attributes: { 'aria-live': 'polite' } });
  readonly #draft: string;
  readonly #mayWrite: boolean;
  #choices: Choice[] = [];
  /** Where it is in use: what has to be done before it can be applied. */
  #inUse: HTMLElement | undefined;

  constructor(place: PageAddress, { mayWrite }: { readonly mayWrite: boolean }) {
    this.#draft = place.query.get('draft') ?? '';
    this.#mayWrite = mayWrite;
    this.element = element('div', { class: 'stacked' }, this.#list, this.#said, this.#review);
    void this.#load();
  }

  async #load(): Promise<void> {
    await fill(this.#list, async () => {
      const { drafts } = await call('drafts', {});
      const draft = drafts.find(({ name }) => name === this.#draft);
      this.#inUse = draft?.isUsed === true ? useNote(draft) : undefined;
      return this.#listParts(drafts);
    });
    if (this.#draft === '') {
      this.#review.replaceChildren(
        element('p', { class: 'quiet' }, 'Choose a draft to see what it would change.'),
      );
      return;
    }
    await fill(this.#review, async () => this.#reviewParts(await call('review', { draft: this.#draft })));
  }

  #listParts(drafts: readonly DraftLine[]): HTMLElement[] {
    const rows = drafts.map(({ name, age, isUsed, over, command, source }) => [
      hyperlink(hashOf({ view: 'drafts', query: { draft: name } }), shownName(name)),
      element('span', { class: 'time' }, age),
      element('span', { class: 'name' }, shownName(over.join(', '))),
      source === undefined
        ? element('span', { class: 'line' }, shownName(command))
        : writerOf(source, { isUsed }),
      element('span', { class: `dot ${isUsed ? 'on' : ''}` }, isUsed ? 'in use' : 'idle'),
    ]);
    return [
      element('h2', {}, 'Drafts'),
      drafts.length === 0
        ? emptyNote('There is no draft, and nothing was changed in a bind with cow.', 'plyfs try COMMAND')
        : table(['Name', 'Made', 'Over', 'Written by', 'State'], rows, { unseen: 'All drafts of the store' }),
      ...(this.#mayWrite
        ? [
            element(
              'p',
              { class: 'bar' },
              button('Undo the last apply', () => void this.#undo()),
            ),
          ]
        : []),
    ];
  }

  #reviewParts({ changes, count }: ReviewReply): HTMLElement[] {
    this.#choices = [];
    const title = element('h2', { class: 'name' }, `Changes of ${shownName(this.#draft)}`);
    if (count === 0) return [title, element('p', {}, 'It changes nothing.')];
    const items = changes.map((line, index) => this.#item(line, index));
    const text =
      count > changes.length
        ? `The first ${changes.length.toLocaleString('en')} of ${shownCount(count, 'change')}`
        : shownCount(count, 'change');
    return [
      title,
      element('p', { class: 'quiet count' }, text),
      ...this.#barParts(),
      element('ol', { class: 'changes' }, ...items),
    ];
  }

  #barParts(): HTMLElement[] {
    if (!this.#mayWrite) return [emptyNote('To apply them from here:', 'plyfs ui --write')];
    return this.#inUse === undefined ? [this.#applyBar()] : [this.#inUse, this.#applyBar()];
  }

  #applyBar(): HTMLElement {
    const all = element('input', { attributes: { type: 'checkbox' } });
    all.checked = true;
    all.addEventListener('change', () => {
      for (const { box, hunks, line } of this.#choices)
        for (const one of [box, ...hunks]) one.checked = all.checked && isPlain(line);
    });
    return element(
      'p',
      { class: 'bar' },
      element('label', { class: 'bar' }, all, 'All that needs no second look'),
      button('Apply what is chosen', () => void this.#apply(), { class: 'primary' }),
    );
  }

  #item(line: ReviewLine, index: number): HTMLElement {
    const { kind, path, from, notes, marks, conflict, hunks = [] } = line;
    const name = from === undefined ? shownName(path) : `${shownName(from)} → ${shownName(path)}`;
    const box = checkbox(`Accept ${shownName(path)}`, line);
    const boxes = hunks.map((_, at) => checkbox(`Accept hunk ${at + 1} of ${shownName(path)}`, line));
    // The file goes with its hunks, and one hunk is enough to want it.
    box.addEventListener('change', () => {
      for (const one of boxes) one.checked = box.checked;
    });
    for (const one of boxes)
      one.addEventListener('change', () => {
        box.checked = boxes.some(({ checked }) => checked);
      });
    this.#choices[index] = { line, box, hunks: boxes };
    const body = hunks.map(({ place, lines }, at) =>
      element(
        'div',
        { class: 'hunk' },
        this.#mayWrite ? boxes[at] : undefined,
        element(
          'pre',
          {
            class: 'hunks',
            attributes: {
              tabindex: '0',
              role: 'region',
              'aria-label': `Hunk ${at + 1} of ${shownName(path)}`,
            },
          },
          ...[place, ...lines].map(hunkLine),
        ),
      ),
    );
    return element(
      'li',
      {},
      element(
        'p',
        { class: 'change' },
        this.#mayWrite ? box : undefined,
        element('span', { class: `kind ${kind}`, attributes: { title: kind } }, KINDS[kind]),
        element('span', { class: 'name' }, name),
        element('span', { class: 'notes' }, shownName(notes.join(', '))),
        ...marks.map((mark) => element('strong', { class: 'mark' }, shownName(mark))),
      ),
      conflict === undefined
        ? undefined
        : element(
            'p',
            { class: 'error' },
            `Conflict: ${shownName(conflict)}. If you accept it, the draft’s side wins.`,
          ),
      ...body,
    );
  }

  async #apply(): Promise<void> {
    const wanted = this.#choices.filter(({ box }) => box.checked);
    const permits = [...new Set(wanted.flatMap(({ line }) => line.permits))];
    const changes = wanted.map(({ line, hunks }) => ({
      key: line.key,
      overridesHost: line.conflict !== undefined,
      ...(hunks.length === 0 ? {} : { hunks: hunks.flatMap(({ checked }, at) => (checked ? [at] : [])) }),
    }));
    await this.#do(async () => {
      const { applied } = await change('apply', { draft: this.#draft, changes, permits });
      return applied === 1 ? '1 change is applied.' : `${applied} changes are applied.`;
    });
  }

  async #undo(): Promise<void> {
    await this.#do(
      async () => `The last apply, of ${shownName((await change('undo', {})).draft)}, is taken back.`,
    );
  }

  async #do(act: () => Promise<string>): Promise<void> {
    try {
      const said = await act();
      await this.#load();
      this.#said.replaceChildren(element('p', { class: 'done' }, said));
    } catch (error) {
      this.#said.replaceChildren(errorBox(error));
    }
  }
}

/** The mount or container that writes to a bind: one that is not there now has no tree to show. */
function writerOf(source: string, { isUsed }: Pick<DraftLine, 'isUsed'>): HTMLElement {
  const [, kind = '', name = ''] = /^(.*?):(.*)$/s.exec(source) ?? [];
  const text = `${kind} ${shownName(name)}`;
  const isThere = kind === 'container' || isUsed;
  return isThere
    ? hyperlink(hashOf({ view: 'tree', source }), text)
    : element('span', { class: 'line' }, text);
}

/** What ends the use of a draft. */
function useNote({ source = '' }: DraftLine): HTMLElement {
  const [, kind, name = ''] = /^(container|mount):(.*)$/s.exec(source) ?? [];
  const text = 'It is in use. Before it can be applied:';
  if (kind === 'container')
    return emptyNote(text, `plyfs stop ${shownName(name)}, or plyfs container umount ${shownName(name)}`);
  if (kind === 'mount') return emptyNote(text, `plyfs umount ${shownName(name)}`);
  return emptyNote('It is in use, and can be applied when the command in it has ended.');
}

/** Whether it may be accepted without a second look. */
function isPlain({ conflict, permits }: ReviewLine): boolean {
  return conflict === undefined && permits.length === 0;
}

/** Checked where no second look is needed. */
function checkbox(label: string, line: ReviewLine): HTMLInputElement {
  const box = element('input', { attributes: { type: 'checkbox', 'aria-label': label } });
  box.checked = isPlain(line);
  return box;
}
