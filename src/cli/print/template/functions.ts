/**
 * The functions of `--format` templates: those of Go's text/template and those that Docker adds to them.
 *
 * A pipeline hands its value over as the last argument.
 */

import { jsonText } from '../output.js';
import { printf, typeName } from './format-verbs.js';
import { Float } from './go-literals.js';
import { BadArgument, showValue } from './show-value.js';

type TemplateFunction = (...args: readonly unknown[]) => unknown;

interface Entry {
  readonly call: TemplateFunction;
  /** How many arguments it takes. */
  readonly least: number;
  readonly most: number;
}

const MANY = Number.POSITIVE_INFINITY;

const table: Readonly<Record<string, Entry>> = {
  json: entry(1, 1, (value) => jsonText(value ?? null)),
  join: entry(2, 2, (list, separator) => listOf(list, 'join').map(showValue).join(showValue(separator))),
  split: entry(2, 2, (text, separator) => showValue(text).split(showValue(separator))),
  lower: entry(1, 1, (text) => showValue(text).toLowerCase()),
  upper: entry(1, 1, (text) => showValue(text).toUpperCase()),
  title: entry(1, 1, (text) => showValue(text).replace(/(^|\s)\S/g, (letter) => letter.toUpperCase())),
  pad: entry(3, 3, (text, before, after) => padded(showValue(text), widthOf(before), widthOf(after))),
  truncate: entry(2, 2, (text, length) => [...showValue(text)].slice(0, countOf(length)).join('')),
  len: entry(1, 1, lengthOf),
  index: entry(1, MANY, (value, ...keys) => keys.reduce(elementOf, value)),
  slice: entry(1, 4, sliceOf),
  print: entry(0, MANY, printed),
  html: entry(1, MANY, (...args) => plain(args).replace(/[&<>"']/g, (char) => HTML[char] ?? char)),
  js: entry(1, MANY, (...args) => plain(args).replace(/[\\'"<>&=\p{C}]/gu, scriptEscape)),
  urlquery: entry(1, MANY, (...args) => queryEscaped(plain(args))),
  println: entry(0, MANY, (...args) => `${args.map(showValue).join(' ')}\n`),
  printf: entry(1, MANY, (format, ...args) => printf(showValue(format), args)),
  eq: entry(2, MANY, (first, ...others) => others.some((other) => isEqual(first, other))),
  ne: entry(2, 2, (a, b) => !isEqual(a, b)),
  lt: entry(2, 2, (a, b) => compare(a, b) < 0),
  le: entry(2, 2, (a, b) => compare(a, b) <= 0),
  gt: entry(2, 2, (a, b) => compare(a, b) > 0),
  ge: entry(2, 2, (a, b) => compare(a, b) >= 0),
  and: entry(1, MANY, (...args) => firstOrLast(args, (arg) => !isTrue(arg))),
  or: entry(1, MANY, (...args) => firstOrLast(args, isTrue)),
  not: entry(1, 1, (value) => !isTrue(value)),
};

function entry(least: number, most: number, call: TemplateFunction): Entry {
  return { call, least, most };
}

export const functionNames = Object.keys(table);

/** PRECONDITION: `name` is one of functionNames. @throws BadArgument */
export function callFunction(name: string, args: readonly unknown[]): unknown {
  const { call, least, most } = table[name] as Entry;
  if (args.length < least || args.length > most) {
    throw new BadArgument(
      `'${name}' takes ${least === most ? least : `at least ${least}`}, not ${args.length}`,
    );
  }
  return call(...args);
}

/** Go's rule: nothing, zero, and what is empty are false. */
export function isTrue(value: unknown): boolean {
  if (value instanceof Float) return value.value !== 0;
  if (typeof value !== 'object' || value === null) return Boolean(value);
  return lengthOf(value) > 0;
}

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

/** The text that html, js and urlquery escape: what `print` makes, but of nothing. */
function plain(args: readonly unknown[]): string {
  return printed(...args.map((arg) => (arg === null ? undefined : arg)));
}

const SCRIPT: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '"': '\\"' };

function scriptEscape(char: string): string {
  const point = char.codePointAt(0) ?? 0;
  return SCRIPT[char] ?? `\\u${point.toString(16).toUpperCase().padStart(4, '0')}`;
}

function queryEscaped(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!*()']/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

/** Docker's: nothing stays nothing. */
function padded(text: string, before: number, after: number): string {
  return text === '' ? '' : `${' '.repeat(before)}${text}${' '.repeat(after)}`;
}

/** Go's rule: a blank between two of which neither is text. */
function printed(...args: readonly unknown[]): string {
  return args.reduce<string>((text, arg, index) => {
    const isApart = index > 0 && typeof arg !== 'string' && typeof args[index - 1] !== 'string';
    return `${text}${isApart ? ' ' : ''}${showValue(arg)}`;
  }, '');
}

function firstOrLast(args: readonly unknown[], isMeant: (arg: unknown) => boolean): unknown {
  const index = args.findIndex(isMeant);
  return args.at(index);
}

function lengthOf(value: unknown): number {
  if (value === null) return 0;
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw new BadArgument(`${JSON.stringify(value ?? null)} has no length`);
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value === null) return [];
  throw new BadArgument(`'${name}' wants a list, not ${JSON.stringify(value ?? null)}`);
}

function countOf(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new BadArgument(`${JSON.stringify(value ?? null)} is no number of things`);
}

function widthOf(value: unknown): number {
  const width = countOf(value);
  if (width > MOST_WIDTH) throw new BadArgument(`${width} is more than ${MOST_WIDTH}`);
  return width;
}

/** The value that a record has for a key, '' when it has none, or a list's element at a position. */
function elementOf(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const position = countOf(key);
    if (position < value.length) return value[position] as unknown;
    throw new BadArgument(`error calling index: index out of range: ${position}`);
  }
  if (typeof value === 'string') return byteOf(value, key);
  if (value === null) return '';
  if (typeof value !== 'object' || value === null) {
    throw new BadArgument(`${JSON.stringify(value ?? null)} cannot be indexed`);
  }
  const name = showValue(key);
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : '';
}

function byteOf(text: string, key: unknown): number {
  const position = countOf(key);
  const byte = Buffer.from(text)[position];
  if (byte === undefined) throw new BadArgument(`error calling index: index out of range: ${position}`);
  return byte;
}

function sliceOf(value: unknown, ...bounds: readonly unknown[]): unknown {
  const length = lengthOf(value);
  const [from = 0, to = length, most = length] = bounds.map(countOf);
  if (most < length && typeof value === 'string') throw new BadArgument('cannot 3-index slice a string');
  if (from > to || to > most || most > length) throw new BadArgument(`cannot take ${from} to ${to} of it`);
  if (typeof value === 'string') return Buffer.from(value).subarray(from, to).toString();
  return listOf(value, 'slice').slice(from, to);
}

/** Nothing equals nothing alone; lists and records cannot be compared. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === null || b === null || a === undefined || b === undefined) return (a ?? null) === (b ?? null);
  for (const value of [a, b]) {
    if (typeof value === 'object' && !(value instanceof Float))
      throw new BadArgument(`error calling eq: non-comparable type ${showValue(value)}: ${typeName(value)}`);
  }
  if (typeName(a) !== typeName(b))
    throw new BadArgument('error calling eq: incompatible types for comparison');
  return plainNumber(a) === plainNumber(b);
}

function compare(a: unknown, b: unknown): number {
  if (typeName(a) !== typeName(b)) throw new BadArgument('incompatible types for comparison');
  const [first, second] = [plainNumber(a), plainNumber(b)];
  if (typeof first === 'number' && typeof second === 'number') return first - second;
  if (typeof first === 'string' && typeof second === 'string')
    return first < second ? -1 : Number(first > second);
  throw new BadArgument('only two numbers or two texts can be compared');
}

function plainNumber(value: unknown): unknown {
  return value instanceof Float ? value.value : value;
}

/** Go's own bound. */
const MOST_WIDTH = 1_000_000;
