/**
 * What `inspect` commands print: an array of records, or a template for each, with keys of keys (`{{.State.Pid}}`).
 */

import { showValue } from './template/functions.js';
import { Template } from './template/template.js';

export type Inspected = Readonly<Record<string, unknown>>;

export const INSPECT_FORMAT_FLAG = '-f, --format <format>';
export const INSPECT_FORMAT_TEXT = "'json' or a template as '{{.Name}}' or '{{json .Labels}}'";

/** @throws UserError for a template that is not understood or names what is not there. */
export function formatInspect(records: readonly Inspected[], format = 'json'): string {
  if (format === 'json') return `${JSON.stringify(records, null, 2)}\n`;
  const template = new Template(format, { show });
  return records.map((record) => `${template.render(record)}\n`).join('');
}

function show(value: unknown): string {
  return value === undefined || value === null ? '' : showValue(value);
}
