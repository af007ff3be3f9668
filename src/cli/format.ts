/**
 * Lists for people and programs: a table, JSON, or a template as `docker ... --format` has it.
 *
 * A record's keys are Docker-like (`Mountpoint`, `CreatedAt`); the table shows the columns that the command names.
 */

import { UserError } from '../errno/user-error.js';

export type Cell = string | number | boolean | readonly string[];
export type Row = Readonly<Record<string, Cell>>;

export interface Column {
  readonly title: string;
  readonly key: string;
}

const GAP = 3;

/** Columns left-aligned under their titles, no trailing blanks. */
export function formatTable(rows: readonly Row[], columns: readonly Column[]): string {
  const lines = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map(({ key }) => oneLine(cellText(row[key])))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => [...(line[index] ?? '')].length)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - [...cell].length + GAP))
        .join('')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** An array, indented. */
export function formatJson(rows: readonly Row[]): string {
  return `${JSON.stringify(rows, null, 2)}\n`;
}

/**
 * One line for each row: `{{.Key}}` is its value, `{{json .}}` and `{{json .Key}}` are JSON, `\t` and `\n` escapes.
 * @throws UserError for a key that the rows do not have, or another construct.
 */
export function formatTemplate(rows: readonly Row[], template: string, keys: readonly string[]): string {
  const render = compileTemplate(template, keys);
  return rows.map((row) => `${render(row)}\n`).join('');
}

function compileTemplate(template: string, keys: readonly string[]): (row: Row) => string {
  const pieces = template
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
    .split(/(\{\{.*?(?:\}\}|$))/s);
  const parts = pieces.map((piece, index): ((row: Row) => string) => {
    if (index % 2 === 0) return () => piece;
    const match = /^\{\{\s*(json\s+)?\.(\w*)\s*\}\}$/.exec(piece);
    const key = match?.[2];
    if (!match || key === undefined || (key === '' && !match[1])) {
      throw new UserError(`invalid format '${template}': '${piece}' is not understood`, {
        hint: `use {{.${keys[0]}}} or {{json .}}`,
      });
    }
    if (key !== '' && !keys.includes(key)) {
      throw new UserError(`invalid format '${template}': there is no '${key}'`, {
        hint: `there are ${keys.join(', ')}`,
      });
    }
    if (!match[1]) return (row) => cellText(row[key]);
    return (row) => JSON.stringify(key === '' ? row : (row[key] ?? null));
  });
  return (row) => parts.map((part) => part(row)).join('');
}

function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return '';
  return Array.isArray(cell) ? cell.join(',') : String(cell);
}

/** A newline in a mount point must not break the table. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) =>
    char === '\n' ? '\\n' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
