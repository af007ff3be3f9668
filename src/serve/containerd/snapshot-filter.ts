/**
 * containerd's filters (its package filters, v1.6): `kind==active,labels."a.b"~=^x`; selectors of one filter must all hold, of several
 * filters one.
 *
 *   filter    = selector *("," selector)
 *   selector  = fieldpath [("==" / "!=" / "~=") value]     without a value: the field is there
 *   fieldpath = field *("." field)
 *   field     = quoted / 1*(letter / digit / "-" / "_")
 *   value     = quoted / 1*(all but "," and white space)
 *   quoted    = as Go's strings, between `"`; between `/` or `|` too, where the quote itself is escaped
 */

import { SnapshotError } from './snapshot-error.js';
import type { ContainerdSnapshot } from './snapshot-record.js';

type SnapshotFilter = (record: ContainerdSnapshot) => boolean;

/** No filters: all match. @throws SnapshotError for a filter that is none. */
export function parseSnapshotFilters(filters: readonly string[]): SnapshotFilter {
  if (filters.length === 0) return () => true;
  const parsed = filters.map((filter) => new FilterParser(filter).parse());
  return (record) => parsed.some((matches) => matches(record));
}

const FIELD = /[A-Za-z0-9_-]+/y;
const OPERATOR = /[=!~]+/y;
/** A quote that does not end is no value. */
const VALUE = /(?!["/|])[^\s,]+/y;
const SPACE = /\s*/y;
const QUOTED = /(["/|])(?:\\.|(?!\1)[^\\\n])*\1/y;

class FilterParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): SnapshotFilter {
    if (this.#text === '') return () => true;
    const selectors = [this.#selector()];
    while (this.#takes(',')) selectors.push(this.#selector());
    if (this.#at < this.#text.length) throw this.#error('unexpected input');
    return (record) => selectors.every((matches) => matches(record));
  }

  #selector(): SnapshotFilter {
    const path = [this.#field()];
    while (this.#takes('.')) path.push(this.#field());
    this.#match(SPACE);
    if (this.#at === this.#text.length || this.#text[this.#at] === ',')
      return (record) => fieldOf(record, path) !== undefined;
    const operator = this.#match(OPERATOR);
    const value = this.#value();
    switch (operator) {
      case '==':
        return (record) => fieldOf(record, path) === value;
      case '!=':
        return (record) => (fieldOf(record, path) ?? '') !== value;
      case '~=': {
        const pattern = this.#pattern(value);
        return (record) => pattern.test(fieldOf(record, path) ?? '');
      }
      default:
        throw this.#error('expected an operator ("==", "!=", "~=")');
    }
  }

  #field(): string {
    this.#match(SPACE);
    const field = this.#quoted() ?? this.#match(FIELD);
    if (field === undefined) throw this.#error('expected field or quoted');
    return field;
  }

  #value(): string {
    this.#match(SPACE);
    const value = this.#quoted() ?? this.#match(VALUE);
    if (value === undefined) throw this.#error('expected value or quoted');
    return value;
  }

  #quoted(): string | undefined {
    const text = this.#match(QUOTED);
    return text === undefined ? undefined : this.#unquoted(text.slice(1, -1), text[0] ?? '');
  }

  #unquoted(text: string, quote: string): string {
    return text.replace(ESCAPE, (whole, numeric: string | undefined, other: string | undefined) => {
      if (numeric !== undefined) return String.fromCodePoint(codePointOf(numeric));
      if (other === quote) return quote;
      // Regular expressions have escapes of their own.
      const plain = ESCAPED[other ?? ''];
      if (plain !== undefined) return plain;
      if (quote === '"') throw this.#error('illegal escape sequence');
      return whole;
    });
  }

  #pattern(value: string): RegExp {
    try {
      return new RegExp(value, 'u');
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw this.#error(error.message);
    }
  }

  #takes(mark: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0];
    if (text !== undefined) this.#at += text.length;
    return text;
  }

  #error(what: string): SnapshotError {
    const [before, after] = [this.#text.slice(0, this.#at), this.#text.slice(this.#at)];
    return new SnapshotError('invalid argument', `filter [${before} >|${after}]: ${what}`);
  }
}

const ESCAPE = /\\(?:([0-7]{3}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|(.))/gsu;
const ESCAPED: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

function codePointOf(text: string): number {
  const point = /^\d/.test(text) ? Number.parseInt(text, 8) : Number.parseInt(text.slice(1), 16);
  return point > 0x10ffff ? 0xfffd : point;
}

/** Undefined: not there. */
function fieldOf(
  { name, parent, kind, labels }: ContainerdSnapshot,
  path: readonly string[],
): string | undefined {
  const [first, ...rest] = path;
  if (first === 'labels') return Object.hasOwn(labels, rest.join('.')) ? labels[rest.join('.')] : undefined;
  const value = first === 'name' ? name : first === 'parent' ? parent : first === 'kind' ? kind : '';
  return value === '' ? undefined : value;
}
