/**
 * What all lists have in common: `--format`, `-q`, `--filter`, `--no-trunc`.
 *
 * A list command gives its rows with all keys; the table shows the columns that it names.
 */

import type { Command } from 'commander';
import { UserError } from '../../errno/user-error.js';
import { type Column, formatJson, formatTable, formatTemplate, type Row } from '../print/format-table.js';
import { shown } from '../print/output.js';
import { collectValues, DEBUG_FLAG } from './common-options.js';

export interface ListFlags {
  readonly format: string;
  readonly quiet?: boolean;
  readonly filter?: readonly string[];
  /** False with `--no-trunc`. */
  readonly trunc?: boolean;
  readonly debug?: boolean;
}

export interface ListShape {
  /** What a template may name; `--format json` has just these. */
  readonly keys: readonly string[];
  readonly columns: readonly Column[];
  /** What `-q` prints. */
  readonly quietKey: string;
}

/** The options of a list; `filters` are those that the help names. */
export function addListOptions(command: Command, quiet: string, filters: readonly string[]): Command {
  command
    .option('--format <format>', "'table', 'json', a template as '{{.Name}}', or 'table TEMPLATE'", 'table')
    .option('-q, --quiet', quiet);
  if (filters.length > 0) {
    command.option(
      '-f, --filter <filter>',
      `KEY=VALUE; may be repeated; keys: ${filters.join(', ')}`,
      collectValues,
    );
  }
  return command.option(DEBUG_FLAG, 'stack traces with errors');
}

/** `tableRows` where the table shows values shortened. */
export function formatList(
  rows: readonly Row[],
  flags: ListFlags,
  shape: ListShape,
  tableRows: readonly Row[] = rows,
): string {
  if (flags.quiet) return tableRows.map((row) => `${shown(String(row[shape.quietKey]))}\n`).join('');
  if (flags.format === 'json') return formatJson(rows);
  if (flags.format === 'table' || flags.format === '') return formatTable(tableRows, shape.columns);
  return formatTemplate(rows, flags.format, shape.keys, shape.columns);
}

/** A filter's values by key: `label=a`, `label=b` are two of `label`. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** @throws UserError for a filter without `=`, or with a key that is not among `known`. */
export function parseFilters(texts: readonly string[] | undefined, known: readonly string[]): Filters {
  const filters = new Map<string, string[]>();
  for (const text of texts ?? []) {
    const equals = text.indexOf('=');
    if (equals < 1)
      throw new UserError(`invalid filter '${text}': bad format of filter (expected name=value)`);
    const key = text.slice(0, equals);
    if (!known.includes(key)) {
      throw new UserError(`invalid filter '${key}'`, { hint: `there are ${known.join(', ')}` });
    }
    filters.set(key, [...(filters.get(key) ?? []), text.slice(equals + 1)]);
  }
  return filters;
}

/** Docker's rule for labels: `KEY` wants it to be there, `KEY=VALUE` to have that value; all must hold. */
export function matchesLabels(
  labels: Readonly<Record<string, string>>,
  wanted: readonly string[] = [],
): boolean {
  return wanted.every((text) => {
    const equals = text.indexOf('=');
    if (equals < 0) return Object.hasOwn(labels, text);
    const key = text.slice(0, equals);
    return Object.hasOwn(labels, key) && labels[key] === text.slice(equals + 1);
  });
}

/** `true`, `1`, `false`, `0`. @throws UserError for another word. */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const value = filters.get(key)?.at(-1);
  if (value === undefined) return undefined;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new UserError(`invalid filter '${key}=${value}'`, { hint: 'it is true or false' });
}
