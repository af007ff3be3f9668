/**
 * Lists for people and programs: a table, JSON, or a template as `docker ... --format` has it.
 *
 * A record's keys are Docker-like (`Mountpoint`, `CreatedAt`); the table shows the columns that the command names.
 */

import { showValue } from './template/functions.js';
import { type ROW_LABELS, Template } from './template/template.js';

export type Cell = string | number | boolean | readonly string[];
export type Row = Readonly<Record<string, Cell>> & {
  readonly [ROW_LABELS]?: Readonly<Record<string, string>>;
};

export interface Column {
  readonly title: string;
  readonly key: string;
}

/** Docker's form of labels in a list. */
export function keyValues(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
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
  return alignColumns([
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map(({ key }) => oneLine(cellText(row[key])))),
  ]);
}

/** Cells under each other, no trailing blanks. */
export function alignColumns(lines: readonly (readonly string[])[]): string {
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

/** A record a line, as Docker's lists. */
export function formatJson(rows: readonly Row[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

const TABLE = 'table ';

/**
 * One line for each row, by the template (template/template.ts). After `table ` the parts between tabs become columns,
 * with titles.
 * @throws UserError for a key that the rows do not have, also when there are none, or a template that is none.
 */
export function formatTemplate(
  rows: readonly Row[],
  text: string,
  keys: readonly string[],
  columns: readonly Column[] = [],
): string {
  const isTable = text.startsWith(TABLE);
  const template = new Template(isTable ? text.slice(TABLE.length).trim() : text, { show });
  const known = keys.includes('Labels') ? [...keys, 'Label'] : keys;
  template.requireKeys(known, keys);
  const lines = rows.map((row) => template.render(row));
  if (!isTable) return lines.map((line) => `${line}\n`).join('');
  const titles = Object.fromEntries(keys.map((key) => [key, titleOf(key)]));
  for (const { key, title } of columns) titles[key] = title;
  return alignColumns([template.renderTitles(titles), ...lines].map((line) => line.split('\t').map(oneLine)));
}

/** `CREATED AT` of CreatedAt. */
function titleOf(key: string): string {
  return key.replace(/([a-z])([A-Z])/g, '$1 $2').toUpperCase();
}

function show(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : showValue(value);
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
