/**
 * What `inspect` commands print: an array of records, or a template for each, with keys of keys (`{{.State.Pid}}`).
 */

import { UserError } from '../errno/user-error.js';

export type Inspected = Readonly<Record<string, unknown>>;

export const INSPECT_FORMAT_FLAG = '-f, --format <format>';
export const INSPECT_FORMAT_TEXT = "'json' or a template as '{{.Name}}' or '{{json .Labels}}'";

/** @throws UserError for a template that is not understood or names what is not there. */
export function formatInspect(records: readonly Inspected[], format = 'json'): string {
  if (format === 'json') return `${JSON.stringify(records, null, 2)}\n`;
  const render = compile(format);
  return records.map((record) => `${render(record)}\n`).join('');
}

type Render = (record: Inspected) => string;

const EXPRESSION = /^\{\{\s*(?:(json)\s+|(index)\s+)?\.([\w.]*)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\}\}$/;

function compile(template: string): Render {
  const pieces = template
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
    .split(/(\{\{.*?(?:\}\}|$))/s);
  const parts = pieces.map(
    (piece, index): Render => (index % 2 === 0 ? () => piece : expression(template, piece)),
  );
  return (record) => parts.map((part) => part(record)).join('');
}

/** `{{.A.B}}`, `{{json .A}}`, `{{index .Labels "key"}}`. */
function expression(template: string, piece: string): Render {
  const match = EXPRESSION.exec(piece);
  const [, json, index, path = '', key] = match ?? [];
  const isKnown = match !== null && (index === undefined) === (key === undefined);
  if (!isKnown || (path === '' && json === undefined)) {
    throw new UserError(`invalid format '${template}': '${piece}' is not understood`, {
      hint: 'use {{.Key}}, {{.Key.Key}}, {{json .Key}} or {{index .Key "name"}}',
    });
  }
  const keys = path === '' ? [] : path.split('.');
  return (record) => {
    const value = keys.reduce((at: unknown, one) => below(template, at, one), record);
    if (json !== undefined) return JSON.stringify(value ?? null);
    return text(key === undefined ? value : (value as Inspected | undefined)?.[key]);
  };
}

function below(template: string, value: unknown, key: string): unknown {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'object' && Object.hasOwn(value, key)) return (value as Inspected)[key];
  const there = typeof value === 'object' ? Object.keys(value).join(', ') : 'none';
  throw new UserError(`invalid format '${template}': there is no '${key}'`, { hint: `there are ${there}` });
}

function text(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
