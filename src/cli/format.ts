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
const HELP_WIDTH = 110;

/** The keys for a help text, in lines. */
export function keyLines(keys: readonly string[]): string {
  const lines: string[] = [];
  for (const key of keys) {
    const last = lines.at(-1);
    if (last === undefined || last.length + key.length > HELP_WIDTH) lines.push(key);
    else lines.push(`${lines.pop()}, ${key}`);
  }
  return lines.join(',\n');
}

/** Columns left-aligned under their titles, no trailing blanks. */
export function formatTable(rows: readonly Row[], columns: readonly Column[]): string {
  return align([
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map(({ key }) => oneLine(cellText(row[key])))),
  ]);
}

function align(lines: readonly (readonly string[])[]): string {
  const count = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: count }, (_, index) =>
    Math.max(...lines.map((line) => [...(line[index] ?? '')].length)),
  );
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

const TABLE = 'table ';

/**
 * One line for each row: `{{.Key}}` is its value, `{{json .}}` and `{{json .Key}}` are JSON, `{{.Label "key"}}` is one of
 * the Labels, `\t` and `\n` are escapes. After `table ` the parts between tabs become columns, with titles.
 * @throws UserError for a key that the rows do not have, or another construct.
 */
export function formatTemplate(
  rows: readonly Row[],
  template: string,
  keys: readonly string[],
  columns: readonly Column[] = [],
): string {
  const isTable = template.startsWith(TABLE);
  const parts = compileTemplate(isTable ? template.slice(TABLE.length).trim() : template, keys);
  const lines = rows.map((row) => parts.map((part) => part.text(row)).join(''));
  if (!isTable) return lines.map((line) => `${line}\n`).join('');
  const titles = new Map(columns.map(({ key, title }) => [key, title]));
  const header = parts.map(({ key, text }) =>
    key === undefined ? text({}) : (titles.get(key) ?? key.toUpperCase()),
  );
  return align([header.join(''), ...lines].map((line) => line.split('\t').map(oneLine)));
}

interface Part {
  /** Of what it shows; undefined for text between. */
  readonly key?: string;
  readonly text: (row: Row) => string;
}

function compileTemplate(template: string, keys: readonly string[]): Part[] {
  const pieces = template
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
    .split(/(\{\{.*?(?:\}\}|$))/s);
  return pieces.map((piece, index) =>
    index % 2 === 0 ? { text: () => piece } : expression(template, piece, keys),
  );
}

function expression(template: string, piece: string, keys: readonly string[]): Part {
  const label = keys.includes('Labels')
    ? /^\{\{\s*\.Label\s+"([^"\\]*)"\s*\}\}$/.exec(piece)?.[1]
    : undefined;
  if (label !== undefined) return { key: label, text: (row) => labelOf(row, label) };
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
  if (!match[1]) return { key, text: (row) => cellText(row[key]) };
  return { key, text: (row) => JSON.stringify(key === '' ? row : (row[key] ?? null)) };
}

function labelOf(row: Row, key: string): string {
  const labels = row.Labels;
  const found = Array.isArray(labels)
    ? labels.find((label: string) => label.startsWith(`${key}=`))
    : undefined;
  return found?.slice(key.length + 1) ?? '';
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
