/**
 * Lists for people and programs: a table, JSON, or a template as `docker ... --format` has it.
 *
 * A record's keys are Docker-like (`Mountpoint`, `CreatedAt`); the table shows the columns that the command names.
 */

import { jsonText, shown } from './output.js';
import { showValue } from './template/show-value.js';
import { ROW_LABELS, Template } from './template/template.js';

type Cell = string | number | boolean | readonly string[];
export type Row = Readonly<Record<string, Cell>> & {
  readonly [ROW_LABELS]?: Readonly<Record<string, string>> | undefined;
};

export interface Column {
  readonly title: string;
  readonly key: string;
}

/** Docker's form of labels in a list, by their keys. */
export function keyValues(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
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
    ...rows.map((row) => columns.map(({ key }) => shownCell(cellText(row[key])))),
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
  return rows.map((row) => `${jsonText(inKeyOrder(row))}\n`).join('');
}

/** Docker's rows are maps of Go's, which have no order but that of their keys. */
function inKeyOrder(row: Row): Row {
  const entries = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...Object.fromEntries(entries), [ROW_LABELS]: row[ROW_LABELS] };
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
  const lines = rows.map((row) => template.render(withoutNoProcess(inKeyOrder(row))));
  if (!isTable) return lines.map((line) => `${line}\n`).join('');
  const titles = Object.fromEntries(keys.map((key) => [key, titleOf(key)]));
  for (const { key, title } of columns) titles[key] = title;
  return alignColumns(
    [template.renderTitles(titles), ...lines].map((line) => line.split('\t').map(unbroken)),
  );
}

/** No process is nothing, not 0, which kill(1) would take for the whole process group. */
function withoutNoProcess(row: Row): Row {
  return row.Pid === 0 ? { ...row, Pid: '' } : row;
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

/** A newline in a mount point must not break the table, in a pipe neither. */
export function shownCell(text: string): string {
  return unbroken(shown(text));
}

function unbroken(text: string): string {
  return text.replaceAll('\n', '\\n');
}
