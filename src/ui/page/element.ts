/** Elements of the page. Text from elsewhere becomes text and never markup: there is no other way to make an element here. */

type Child = Node | string | undefined;

interface ElementOptions {
  readonly class?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  options: ElementOptions = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (options.class !== undefined) made.className = options.class;
  for (const [name, value] of Object.entries(options.attributes ?? {})) made.setAttribute(name, value);
  for (const [name, listener] of Object.entries(options.on ?? {})) made.addEventListener(name, listener);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export function hyperlink(href: string, ...children: readonly Child[]): HTMLAnchorElement {
  return element('a', { attributes: { href } }, ...children);
}

interface ButtonOptions {
  readonly class?: string;
  readonly label?: string;
}

export function button(text: string, act: () => void, options: ButtonOptions = {}): HTMLButtonElement {
  const attributes: Record<string, string> = { type: 'button' };
  if (options.label !== undefined) attributes['aria-label'] = options.label;
  return element('button', { class: options.class ?? '', attributes, on: { click: act } }, text);
}

/** A column's title; numbers stand at its right edge. */
type Column = string | { readonly number: string };

/** What a table is; unseen where a heading above says it. */
type Caption = string | { readonly unseen: string };

/** Rows of cells below a line of titles; what is no text is put in as it is. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly (Node | string)[])[],
  caption: Caption,
): HTMLTableElement {
  const kinds = columns.map((column) => (typeof column === 'string' ? '' : 'number'));
  const titles = columns.map((column) => (typeof column === 'string' ? column : column.number));
  const head = titles.map((title, index) =>
    element('th', { class: kinds[index] ?? '', attributes: { scope: 'col' } }, title),
  );
  const cellOf = (cell: Node | string, index: number): HTMLElement =>
    element(
      'td',
      { class: kinds[index] ?? '', attributes: { 'data-title': titles[index] ?? '' } },
      ...(cell === '' ? [] : [cell]),
    );
  const isSeen = typeof caption === 'string';
  return element(
    'table',
    {},
    element('caption', { class: isSeen ? '' : 'unseen' }, isSeen ? caption : caption.unseen),
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...rows.map((cells) => element('tr', {}, ...cells.map(cellOf)))),
  );
}

/** Said where a list is empty, with the command that would change that. */
export function emptyNote(text: string, command?: string): HTMLElement {
  const code = command === undefined ? undefined : element('code', {}, command);
  return element('p', { class: 'quiet' }, text, command === undefined ? undefined : ' ', code);
}
