/**
 * One record of comma-separated values, with double quotes as RFC 4180 has them and the strictness of Go's
 * encoding/csv, which Docker reads `--mount` with: a field is quoted as a whole or not at all, and a doubled quote
 * inside quotes is one quote.
 */

import { UserError } from '../../errno/user-error.js';

/**
 * The fields, at least one.
 * @throws UserError for a stray or missing quote, or a line break outside quotes.
 */
export function parseCsvRecord(text: string): string[] {
  const fields: string[] = [];
  let position = 0;
  for (;;) {
    const field = text[position] === '"' ? readQuoted(text, position) : readPlain(text, position);
    fields.push(field.value);
    if (field.end === text.length) return fields;
    position = field.end + 1;
  }
}

interface Field {
  readonly value: string;
  /** Index of the comma after it, or the length of the text. */
  readonly end: number;
}

function readPlain(text: string, start: number): Field {
  const comma = text.indexOf(',', start);
  const end = comma < 0 ? text.length : comma;
  const value = text.slice(start, end);
  const stray = value.search(/["\r\n]/);
  if (stray >= 0) {
    const what = value[stray] === '"' ? 'bare " in non-quoted field' : 'line break in non-quoted field';
    throw parseError(start + stray, what);
  }
  return { value, end };
}

function readQuoted(text: string, start: number): Field {
  let value = '';
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) throw parseError(text.length, 'extraneous or missing " in quoted-field');
    value += text.slice(from, quote);
    const next = text[quote + 1];
    if (next === undefined || next === ',') return { value, end: quote + 1 };
    if (next !== '"') throw parseError(quote, 'extraneous or missing " in quoted-field');
    value += '"';
    from = quote + 2;
  }
}

function parseError(index: number, what: string): UserError {
  return new UserError(`parse error on line 1, column ${index + 1}: ${what}`, {
    hint: 'quote the field as a whole: \'"src=/a,b",dst=/c\'',
  });
}
