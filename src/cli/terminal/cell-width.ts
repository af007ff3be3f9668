/** How many cells of a terminal text takes. Text here holds nothing that acts on a terminal: errno/printable.ts. */

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|(?=\p{Emoji_Presentation})./u;
const NONE = /\p{Mn}|\p{Me}|[\u200c\u200d]|[\ufe00-\ufe0f]/u;

function widthOf(char: string): number {
  if (char < '\u0300') return 1;
  return NONE.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
}

export function cellWidth(text: string): number {
  let width = 0;
  for (const char of text) width += widthOf(char);
  return width;
}

/** The end of a text, of so many cells at most; an ellipsis tells that something is before it. */
export function endCells(text: string, cells: number): string {
  if (cellWidth(text) <= cells) return text;
  let out = '';
  let used = 1;
  for (const char of [...text].toReversed()) {
    used += widthOf(char);
    if (used > cells) break;
    out = char + out;
  }
  return cells <= 0 ? '' : `…${out}`;
}

/** Exactly so many cells: cut with an ellipsis, or filled with blanks. */
export function fitCells(text: string, cells: number): string {
  const width = cellWidth(text);
  if (width <= cells) return text + ' '.repeat(cells - width);
  let out = '';
  let used = 0;
  for (const char of text) {
    const next = widthOf(char);
    if (used + next > cells - 1) break;
    out += char;
    used += next;
  }
  return cells <= 0 ? '' : `${out}…${' '.repeat(cells - used - 1)}`;
}
