/** Volumes: who uses them, who made them, what is in them; with `--write` they are cloned and snapshots kept. */

import type { OverviewReply, VolumeLine } from '../../api.js';
import { hashOf } from '../address.js';
import { change, download } from '../call-api.js';
import { button, element, emptyNote, hyperlink, table } from '../element.js';
import { errorBox, field, type View } from '../page-view.js';
import { shownName, shownSize, shownTime } from '../shown-text.js';

export class VolumesView implements View {
  readonly element: HTMLElement;
  readonly #said = element('div', { attributes: { 'aria-live': 'polite' } });

  constructor({ volumes, mayWrite }: OverviewReply) {
    this.element = element(
      'section',
      { class: 'panel', attributes: { 'aria-label': 'Volumes' } },
      element('h2', {}, 'Volumes'),
      volumes.length === 0
        ? emptyNote('There is no volume.', 'plyfs volume create data')
        : table(
            ['Name', { number: 'Size' }, { number: 'Files' }, 'Used by', 'Made', 'As a tar'],
            volumes.map((volume) => [...volumeCells(volume), this.#exportOf(volume)]),
            { unseen: 'All volumes of the store' },
          ),
      this.#said,
      ...(mayWrite && volumes.length > 0 ? [this.#copyForm(volumes)] : []),
    );
  }

  #exportOf({ name }: VolumeLine): HTMLElement {
    const act = () => download({ export: name }, `${shownName(name)}.tar`);
    return button('Export', () => void this.#do(act), { label: `Export ${shownName(name)} as a tar` });
  }

  /** A copy under a name: a volume of its own, or a state to go back to. */
  #copyForm(volumes: readonly VolumeLine[]): HTMLElement {
    const from = element('select', {});
    for (const { name } of volumes)
      from.append(element('option', { attributes: { value: name } }, shownName(name)));
    const to = element('input', { attributes: { name: 'copy', required: '' } });
    const clone = async (): Promise<void> => {
      await change('clone', { volume: from.value, name: to.value });
      location.hash = hashOf({ view: 'tree', source: `volume:${to.value}` });
    };
    const keep = async (): Promise<void> => {
      await change('snapshot', { volume: from.value, name: to.value });
      const text = `Snapshot ${shownName(to.value)} of ${shownName(from.value)} is kept. Back to it: plyfs snapshot restore volume:${shownName(from.value)} ${shownName(to.value)}`;
      this.#said.replaceChildren(element('p', { class: 'done' }, text));
    };
    const submit = (event: Event): void => {
      event.preventDefault();
      void this.#do(clone);
    };
    return element(
      'form',
      { class: 'form', attributes: { 'aria-label': 'Copy a volume' }, on: { submit } },
      field('Volume', from),
      field('Name of the copy', to),
      element('button', { attributes: { type: 'submit' } }, 'Clone'),
      button('Keep a snapshot', () => void (to.reportValidity() && this.#do(keep))),
    );
  }

  async #do(act: () => Promise<void>): Promise<void> {
    try {
      this.#said.replaceChildren();
      await act();
    } catch (error) {
      this.#said.replaceChildren(errorBox(error));
    }
  }
}

function volumeCells({ name, usage, users, createdAt, madeFor }: VolumeLine): (Node | string)[] {
  const looked =
    usage === undefined ? 'nobody has looked' : `looked at ${shownTime(Date.parse(usage.measuredAt))}`;
  const measured = element('span', { attributes: { title: looked } }, shownSize(usage?.bytes));
  const used = users.map(({ name: user, targets, kind }) => {
    const text = shownName(`${user} at ${targets.join(', ')}`);
    const source = `${kind}:${user}`;
    return element('div', {}, hyperlink(hashOf({ view: 'tree', source }), text));
  });
  return [
    hyperlink(hashOf({ view: 'tree', source: `volume:${name}` }), shownName(name)),
    measured,
    usage?.files.toLocaleString('en') ?? '–',
    used.length === 0 ? 'nobody' : element('div', {}, ...used),
    element(
      'div',
      {},
      element('span', { class: 'time' }, shownTime(Date.parse(createdAt))),
      madeFor === '' ? undefined : element('div', { class: 'quiet' }, `for ${shownName(madeFor)}`),
    ),
  ];
}
