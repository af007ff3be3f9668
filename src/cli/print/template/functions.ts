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

/** What Go's function wants in a place; of others anything will do. */
type Parameter = 'string' | 'int' | '[]string';

interface Entry {
  readonly call: TemplateFunction;
  /** How many arguments it takes. */
  readonly least: number;
  readonly most: number;
  readonly parameters: readonly Parameter[];
}

const MANY = Number.POSITIVE_INFINITY;

const table: Readonly<Record<string, Entry>> = {
  json: entry(1, 1, (value) => jsonText(plainNumber(value ?? null))),
  join: entry(2, 2, (list, separator) => listOf(list).map(showValue).join(showValue(separator)), [
    '[]string',
    'string',
  ]),
  split: entry(2, 2, (text, separator) => showValue(text).split(showValue(separator)), ['string', 'string']),
  lower: entry(1, 1, (text) => showValue(text).toLowerCase(), ['string']),
  upper: entry(1, 1, (text) => showValue(text).toUpperCase(), ['string']),
  title: entry(1, 1, (text) => titled(showValue(text)), ['string']),
  pad: entry(3, 3, (text, before, after) => padded(showValue(text), widthOf(before), widthOf(after)), [
    'string',
    'int',
    'int',
  ]),
  truncate: entry(2, 2, (text, length) => cut(showValue(text), length as number), ['string', 'int']),
  len: entry(1, 1, lengthOf),
  index: entry(1, MANY, (value, ...keys) => keys.reduce(elementOf, value)),
  slice: entry(1, 4, sliceOf),
  print: entry(0, MANY, printed),
  html: entry(1, MANY, (...args) => plain(args).replace(/[&<>"']/g, (char) => HTML[char] ?? char)),
  js: entry(1, MANY, (...args) => plain(args).replace(/[\\'"<>&=\p{C}]/gu, scriptEscape)),
  urlquery: entry(1, MANY, (...args) => queryEscaped(plain(args))),
  println: entry(0, MANY, (...args) => `${args.map(showValue).join(' ')}\n`),
  printf: entry(1, MANY, (format, ...args) => printf(showValue(format), args), ['string']),
  eq: entry(1, MANY, isAnyEqual),
  ne: entry(2, 2, (a, b) => !isEqual(a, b)),
  lt: entry(2, 2, (a, b) => compare(a, b) < 0),
  le: entry(2, 2, (a, b) => compare(a, b) <= 0),
  gt: entry(2, 2, (a, b) => compare(a, b) > 0),
  ge: entry(2, 2, (a, b) => compare(a, b) >= 0),
  and: entry(1, MANY, (...args) => firstOrLast(args, (arg) => !isTrue(arg))),
  or: entry(1, MANY, (...args) => firstOrLast(args, isTrue)),
  not: entry(1, 1, (value) => !isTrue(value)),
};

function entry(
  least: number,
  most: number,
  call: TemplateFunction,
  parameters: readonly Parameter[] = [],
): Entry {
  return { call, least, most, parameters };
}

export const functionNames = Object.keys(table);

/**
 * PRECONDITION: `name` is one of functionNames.
 * @param of what the arguments belong to: the cells of a list are texts to a function.
 * @throws BadArgument
 */
export function callFunction(name: string, args: readonly unknown[], of: 'records' | 'cells'): unknown {
  const { call, least, most, parameters } = table[name] as Entry;
  if (args.length < least || args.length > most) {
    const wanted = most === MANY ? `at least ${least}` : least;
    throw new BadArgument(`wrong number of args for ${name}: want ${wanted} got ${args.length}`, 'count');
  }
  checkTypes(parameters, args, of);
  return call(...args);
}

function checkTypes(
  parameters: readonly Parameter[],
  args: readonly unknown[],
  of: 'records' | 'cells',
): void {
  for (const [index, wanted] of parameters.entries()) {
    if (index < args.length && !(of === 'cells' && wanted === 'string') && !isOf(wanted, args[index]))
      throw new BadArgument(`got ${rawTypeName(args[index])}`, { index, wanted });
  }
}

function isOf(wanted: Parameter, value: unknown): boolean {
  if (wanted === '[]string') return Array.isArray(value) && value.every((each) => typeof each !== 'object');
  return wanted === 'int' ? typeof value === 'number' : typeof value === 'string';
}

/** The type of a value in Docker's JSON, which is what its mistakes are about. */
function rawTypeName(value: unknown): string {
  if (typeof value === 'number') return 'json.Number';
  if (Array.isArray(value)) return '[]interface {}';
  return typeof value === 'object' && value !== null && !(value instanceof Float)
    ? 'map[string]interface {}'
    : typeName(value);
}

/** As strings.Title: a letter behind anything that is neither a letter, a digit nor `_`. */
function titled(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}_])\p{L}/gu, (letter) => letter.toUpperCase());
}

/** DEVIATION: characters, where Docker cuts one of several bytes in two. */
function cut(text: string, length: number): string {
  if (length < 0) throw new BadArgument(`runtime error: slice bounds out of range [:${length}]`);
  return [...text].slice(0, length).join('');
}

/** Go's rule: nothing, zero, and what is empty are false. */
export function isTrue(value: unknown): boolean {
  if (value instanceof Float) return value.value !== 0;
  if (typeof value !== 'object' || value === null) return Boolean(value);
  return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
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
  if (value === null) throw new BadArgument(NOTHING);
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  if (value === undefined) throw new BadArgument(NOTHING);
  throw new BadArgument(`len of type ${typeName(value)}`);
}

const NOTHING = 'reflect: call of reflect.Value.Type on zero Value';

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value === null || value === undefined) return [];
  throw new BadArgument(`can't slice item of type ${rawTypeName(value)}`);
}

/** A position in something of `length`, which itself is one. */
function positionOf(value: unknown, length: number): number {
  if (value === null || value === undefined) throw new BadArgument('cannot index slice/array with nil');
  if (typeof value !== 'number')
    throw new BadArgument(`cannot index slice/array with type ${typeName(value)}`);
  if (value < 0 || value > length) throw new BadArgument(`index out of range: ${value}`);
  return value;
}

function widthOf(value: unknown): number {
  const width = value as number;
  if (width < 0) throw new BadArgument('strings: negative Repeat count');
  if (width > MOST_WIDTH) throw new BadArgument(`${width} is more than ${MOST_WIDTH}`);
  return width;
}

/** The value that a record has for a key, undefined when it has none, or a list's element at a position. */
function elementOf(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined) throw new BadArgument('index of untyped nil');
  if (Array.isArray(value)) {
    const position = positionOf(key, value.length);
    if (position < value.length) return value[position] as unknown;
    throw new BadArgument('reflect: slice index out of range');
  }
  if (typeof value === 'string') return byteOf(value, key);
  if (typeof value !== 'object' || value instanceof Float)
    throw new BadArgument(`can't index item of type ${typeName(value)}`);
  if (typeof key !== 'string') throw new BadArgument(`value has type ${typeName(key)}; should be string`);
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

function byteOf(text: string, key: unknown): number {
  const bytes = Buffer.from(text);
  const byte = bytes[positionOf(key, bytes.length)];
  if (byte === undefined) throw new BadArgument('reflect: string index out of range');
  return byte;
}

function sliceOf(value: unknown, ...bounds: readonly unknown[]): unknown {
  if (value === null || value === undefined) throw new BadArgument('slice of untyped nil');
  const bytes = typeof value === 'string' ? Buffer.from(value) : undefined;
  if (bytes !== undefined && bounds.length > 2) throw new BadArgument('cannot 3-index slice a string');
  const { length } = bytes ?? listOf(value);
  const [from = 0, to = length, most = length] = bounds.map((bound) => positionOf(bound, length));
  for (const [low, high] of [
    [from, to],
    [to, most],
  ] as const)
    if (low > high) throw new BadArgument(`invalid slice index: ${low} > ${high}`);
  return bytes === undefined ? listOf(value).slice(from, to) : bytes.subarray(from, to).toString();
}

function isAnyEqual(first: unknown, ...others: readonly unknown[]): boolean {
  if (others.length === 0) throw new BadArgument('missing argument for comparison');
  return others.some((other) => isEqual(first, other));
}

/** Nothing equals nothing alone; lists and records cannot be compared. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === null || b === null || a === undefined || b === undefined) return (a ?? null) === (b ?? null);
  for (const value of [a, b]) {
    if (typeof value === 'object' && !(value instanceof Float))
      throw new BadArgument(`non-comparable type ${showValue(value)}: ${rawTypeName(value)}`);
  }
  if (typeName(a) !== typeName(b)) throw new BadArgument('incompatible types for comparison');
  return plainNumber(a) === plainNumber(b);
}

function compare(a: unknown, b: unknown): number {
  if (typeName(a) !== typeName(b)) throw new BadArgument('incompatible types for comparison');
  const [first, second] = [plainNumber(a), plainNumber(b)];
  if (typeof first === 'number' && typeof second === 'number') return first - second;
  if (typeof first === 'string' && typeof second === 'string')
    return first < second ? -1 : Number(first > second);
  throw new BadArgument('invalid type for comparison');
}

function plainNumber(value: unknown): unknown {
  return value instanceof Float ? value.value : value;
}

/** Go's own bound. */
const MOST_WIDTH = 1_000_000;
