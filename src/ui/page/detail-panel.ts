/** One name: why it shows what it shows, its facts, and what is in the file. */

import type { ContentReply, ShownEntry, ShownFacts, WhyAnswer } from '../api.js';
import { call, download } from './call-api.js';
import { button, element } from './element.js';
import { hidingText, layerChip } from './layer-chip.js';
import { errorBox, fill } from './page-view.js';
import { placeInStore, shownLines, shownMode, shownName, shownSize, shownTime } from './shown-text.js';
import { textEditor } from './volume-editor.js';

interface Subject {
  readonly source: string;
  readonly path: string;
  /** Undefined of a directory that is looked into. */
  readonly entry: ShownEntry | undefined;
}

const KINDS: Readonly<Record<string, string>> = {
  shows: 'shows',
  merged: 'merged',
  whiteout: 'deleted here',
  opaque: 'made new here',
  hidden: 'hidden',
  mount: 'mount',
  missing: 'missing',
};

export class DetailPanel {
  readonly element = element('section', { class: 'panel detail', attributes: { 'aria-label': 'Details' } });
  readonly #mayWrite: boolean;
  #latest = 0;
  #url: string | undefined;

  /** @param options whether files of a volume may be edited. */
  constructor(options: { readonly mayWrite: boolean }) {
    this.#mayWrite = options.mayWrite;
  }

  async show(subject: Subject): Promise<void> {
    const mine = ++this.#latest;
    this.close();
    const { source, path } = subject;
    await fill(this.element, async () => {
      const answer = await call('why', { source, path });
      // Another name was chosen meanwhile.
      return mine === this.#latest ? this.#parts(subject, answer) : [];
    });
    if (mine === this.#latest && isStacked()) this.element.scrollIntoView({ block: 'nearest' });
  }

  close(): void {
    if (this.#url !== undefined) URL.revokeObjectURL(this.#url);
    this.#url = undefined;
  }

  #parts(subject: Subject, answer: WhyAnswer): HTMLElement[] {
    const { entry } = subject;
    const facts = answer.facts ?? entry?.facts;
    const preview = element('div', { class: 'preview', attributes: { 'aria-live': 'polite' } });
    const isFile = facts?.type === 'file';
    const versions = entry === undefined ? [] : entry.layers;
    if (isFile) void this.#preview(preview, subject, entry?.hidden === undefined ? undefined : entry.layer);
    return [
      element('h2', { class: 'name' }, shownName(answer.path)),
      ...(entry?.hidden === undefined ? [] : [element('p', { class: 'note' }, hidingText(entry.hidden))]),
      ...(facts === undefined ? [] : [factsLine(facts, answer.target)]),
      ...(answer.readOnly === undefined
        ? []
        : [element('p', { class: 'note' }, `Writing is refused (EROFS): ${shownName(answer.readOnly)}`)]),
      ...(answer.chain.length === 0
        ? []
        : [element('h3', {}, 'Why'), element('ol', { class: 'chain' }, ...answer.chain.map(chainStep))]),
      ...(isFile && versions.length > 0 ? [this.#versions(subject, versions, preview)] : []),
      ...(isFile && versions.length === 0 ? [this.#downloadOf(subject, undefined, preview)] : []),
      preview,
    ];
  }

  #versions(subject: Subject, layers: readonly number[], preview: HTMLElement): HTMLElement {
    const rows = layers.map((layer) =>
      element(
        'li',
        {},
        layerChip(layer),
        button('View', () => void this.#preview(preview, subject, layer), {
          label: `View what layer ${layer} has`,
        }),
        this.#downloadOf(subject, layer, preview),
      ),
    );
    return element('div', {}, element('h3', {}, 'Versions'), element('ul', { class: 'versions' }, ...rows));
  }

  #downloadOf({ source, path }: Subject, layer: number | undefined, preview: HTMLElement): HTMLElement {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const label = layer === undefined ? 'Download' : `Download what layer ${layer} has`;
    const act = async (): Promise<void> => {
      try {
        await download({ source, path, layer }, shownName(name));
      } catch (error) {
        preview.replaceChildren(errorBox(error));
      }
    };
    return button('Download', () => void act(), { label });
  }

  async #preview(box: HTMLElement, { source, path }: Subject, layer: number | undefined): Promise<void> {
    await fill(box, async () => {
      const content = await call('content', { source, path, layer });
      const of = layer === undefined ? '' : ` of layer ${layer}`;
      const more = content.isCut && content.text !== undefined ? ', its beginning' : '';
      return [
        element('h3', {}, `Content${of}`),
        element('p', { class: 'quiet' }, `${content.kind}, ${shownSize(content.sizeBytes)}${more}`),
        ...this.#editButton(box, { source, path }, content),
        ...this.#content(content),
      ];
    });
  }

  /** For a whole text of a volume. */
  #editButton(
    box: HTMLElement,
    { source, path }: Pick<Subject, 'source' | 'path'>,
    { text, version, isCut }: ContentReply,
  ): HTMLElement[] {
    if (!this.#mayWrite || text === undefined || version === undefined || isCut) return [];
    // What is no UTF-8 would not come back as it was.
    if (text.includes('\ufffd')) return [];
    const volume = source.slice('volume:'.length);
    const done = (): void => void this.#preview(box, { source, path, entry: undefined }, undefined);
    const edit = (): void => box.replaceChildren(textEditor({ volume, path, text, version }, done));
    return [element('p', { class: 'bar' }, button('Edit', edit))];
  }

  #content({ text, base64, kind }: ContentReply): HTMLElement[] {
    if (text !== undefined) {
      const attributes = { tabindex: '0', 'aria-label': 'Text of the file', role: 'region' };
      return [element('pre', { attributes }, shownLines(text))];
    }
    if (base64 === undefined) return [];
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    this.close();
    this.#url = URL.createObjectURL(new Blob([bytes], { type: kind }));
    const image = element('img', { attributes: { alt: 'The picture in the file' } });
    image.src = this.#url;
    return [image];
  }
}

/** Whether the panels lie below each other, as page.css has them on a phone. */
function isStacked(): boolean {
  return matchMedia('(max-width: 900px)').matches;
}

function factsLine({ type, mode, uid, gid, sizeBytes, mtimeMs }: ShownFacts, target?: string): HTMLElement {
  const parts = [shownMode(type, mode), `${uid}:${gid}`, shownSize(sizeBytes), shownTime(mtimeMs)];
  return element(
    'p',
    { class: 'facts' },
    `${parts.join('  ')}${target === undefined ? '' : `  → ${shownName(target)}`}`,
  );
}

function chainStep({ what, path, layer, by, note }: WhyAnswer['chain'][number]): HTMLElement {
  return element(
    'li',
    {},
    layer === undefined ? undefined : layerChip(layer),
    element('strong', {}, KINDS[what] ?? what),
    by === undefined ? undefined : element('span', {}, ` by ${shownName(by)}`),
    note === undefined ? undefined : element('div', { class: 'line' }, shownName(note)),
    element('div', { class: 'quiet path', attributes: { title: path } }, placeInStore(shownName(path))),
  );
}
