/** What the parts of the page have in common. */

import type { MountActivity, OverviewReply } from '../api.js';
import type { PageAddress } from './address.js';
import { CallError } from './call-api.js';
import { element } from './element.js';
import { shownName } from './shown-text.js';

export interface View {
  readonly element: HTMLElement;
  /** @returns whether the view shows the place without being made anew. */
  update?(place: PageAddress): boolean;
  close?(): void;
}

/** What an error says, where it came up. */
export function errorBox(error: unknown): HTMLElement {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof CallError ? error.hint : undefined;
  return element(
    'p',
    { class: 'error', attributes: { role: 'alert' } },
    shownName(message),
    hint === undefined ? undefined : element('span', { class: 'hint' }, `; ${shownName(hint)}`),
  );
}

/** The latest load of each box; an earlier one that comes later is not shown. */
const loads = new WeakMap<HTMLElement, symbol>();

/** Puts into `box` what `load` gives; meanwhile what was there stays, so that nothing flickers. */
export async function fill(box: HTMLElement, load: () => Promise<readonly (Node | string)[]>): Promise<void> {
  const mine = Symbol('load');
  loads.set(box, mine);
  box.setAttribute('aria-busy', 'true');
  if (box.childElementCount === 0) box.append(element('p', { class: 'quiet' }, 'Loading …'));
  const isLatest = (): boolean => loads.get(box) === mine;
  try {
    const parts = await load();
    if (isLatest()) box.replaceChildren(...parts);
  } catch (error) {
    if (isLatest()) box.replaceChildren(errorBox(error));
  } finally {
    if (isLatest()) box.removeAttribute('aria-busy');
  }
}

export type MountPlace = Pick<MountActivity, 'container' | 'mountpoint'>;

interface NamedSource {
  readonly source: string;
  readonly label: string;
}

/** All that can be looked at. */
export function sourcesOf({ images, containers, volumes, mounts }: OverviewReply): NamedSource[] {
  const named = (kind: string, names: readonly string[]): NamedSource[] =>
    names.map((name) => ({ source: `${kind}:${name}`, label: `${kind} ${shownName(name)}` }));
  return [
    ...named(
      'image',
      images.map(({ name }) => name),
    ),
    ...named(
      'container',
      containers.map(({ name }) => name),
    ),
    ...named(
      'mount',
      mounts.map(({ mountpoint }) => mountpoint),
    ),
    ...named(
      'volume',
      volumes.map(({ name }) => name),
    ),
  ];
}

/** A mount of a container has its name, which people know. */
export function namedMount({ container, mountpoint }: MountPlace): NamedSource {
  return container === undefined
    ? { source: `mount:${mountpoint}`, label: shownName(mountpoint) }
    : { source: `container:${container}`, label: shownName(container) };
}

/** The letters of differences, as `plyfs image diff` has them. */
export const DIFFERENCE_KINDS = { A: 'added', C: 'changed', D: 'deleted', R: 'renamed' } as const;

/** Its letter, in its colour. */
export function differenceChip(kind: keyof typeof DIFFERENCE_KINDS): HTMLElement {
  const word = DIFFERENCE_KINDS[kind];
  return element('span', { class: `kind ${word}`, attributes: { title: word } }, kind);
}

/** A field with its label. */
export function field(label: string, input: HTMLElement): HTMLElement {
  return element('label', { class: 'field' }, element('span', {}, label), input);
}

export function selectOf(
  options: readonly NamedSource[],
  chosen: string,
  change: (value: string) => void,
): HTMLSelectElement {
  const select = element('select', { on: { change: () => change(select.value) } });
  for (const { source, label } of options) {
    const option = element('option', { attributes: { value: source } }, label);
    option.selected = source === chosen;
    select.append(option);
  }
  return select;
}

/** A line of a hunk, as diff(1) has it. */
export function hunkLine(line: string): HTMLElement {
  const kind = line.startsWith('+')
    ? 'added'
    : line.startsWith('-')
      ? 'deleted'
      : line.startsWith('@@')
        ? 'place'
        : '';
  return element('span', { class: kind }, shownName(line));
}
