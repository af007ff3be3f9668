/** What shows to which layer something belongs: its number, in a colour of its own. */

import { element } from './element.js';

/** Colours that page.css has; after so many they come again. */
const COLOURS = 12;

export function layerClass(number: number): string {
  return number === 0 ? '' : `layer-${(number - 1) % COLOURS}`;
}

/** @param title what else is known of it. */
export function layerChip(number: number, title = `layer ${number}`): HTMLElement {
  return element('span', { class: `chip ${layerClass(number)}`, attributes: { title } }, String(number));
}

const HIDINGS: Readonly<Record<string, string>> = {
  whiteout: 'deleted',
  opaque: 'below a directory made new',
  replaced: 'replaced',
};

export function hidingText({ layer, kind }: { readonly layer: number; readonly kind: string }): string {
  return `${HIDINGS[kind] ?? kind} by layer ${layer}`;
}
