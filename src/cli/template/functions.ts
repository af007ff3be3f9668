/**
 * The functions of `--format` templates: those of Go's text/template and those that Docker adds to them.
 *
 * A pipeline hands its value over as the last argument.
 */

type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** Thrown by a function for arguments that it cannot take; the message says why. */
export class BadArgument extends Error {}

interface Entry {
  readonly call: TemplateFunction;
  /** How many arguments it takes. */
  readonly least: number;
  readonly most: number;
}

const table: Readonly<Record<string, Entry>> = {
  json: entry(1, 1, (value) => JSON.stringify(value ?? null)),
  join: entry(2, 2, (list, separator) => listOf(list, 'join').map(showValue).join(showValue(separator))),
  split: entry(2, 2, (text, separator) => showValue(text).split(showValue(separator))),
  lower: entry(1, 1, (text) => showValue(text).toLowerCase()),
  upper: entry(1, 1, (text) => showValue(text).toUpperCase()),
  title: entry(1, 1, (text) => showValue(text).replace(/(^|\s)\S/g, (letter) => letter.toUpperCase())),
  pad: entry(3, 3, (text, before, after) =>
    [' '.repeat(countOf(before)), showValue(text), ' '.repeat(countOf(after))].join(''),
  ),
  truncate: entry(2, 2, (text, length) => [...showValue(text)].slice(0, countOf(length)).join('')),
  len: entry(1, 1, lengthOf),
  index: entry(1, Number.POSITIVE_INFINITY, (value, ...keys) => keys.reduce(elementOf, value)),
  slice: entry(1, 3, (value, from = 0, to = lengthOf(value)) => sliceOf(value, countOf(from), countOf(to))),
  print: entry(0, Number.POSITIVE_INFINITY, printed),
  html: entry(1, 1, (text) => showValue(text).replace(/[&<>"']/g, (char) => HTML[char] ?? char)),
  js: entry(1, 1, (text) => JSON.stringify(showValue(text)).slice(1, -1).replaceAll("'", "\\'")),
  urlquery: entry(1, 1, (text) => encodeURIComponent(showValue(text)).replaceAll('%20', '+')),
  println: entry(0, Number.POSITIVE_INFINITY, (...args) => `${args.map(showValue).join(' ')}\n`),
  printf: entry(1, Number.POSITIVE_INFINITY, (format, ...args) => printf(showValue(format), args)),
  eq: entry(2, Number.POSITIVE_INFINITY, (first, ...others) => others.some((other) => other === first)),
  ne: entry(2, 2, (a, b) => a !== b),
  lt: entry(2, 2, (a, b) => compare(a, b) < 0),
  le: entry(2, 2, (a, b) => compare(a, b) <= 0),
  gt: entry(2, 2, (a, b) => compare(a, b) > 0),
  ge: entry(2, 2, (a, b) => compare(a, b) >= 0),
  and: entry(1, Number.POSITIVE_INFINITY, (...args) => firstOrLast(args, (arg) => !isTrue(arg))),
  or: entry(1, Number.POSITIVE_INFINITY, (...args) => firstOrLast(args, isTrue)),
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
  if (typeof value !== 'object' || value === null) return Boolean(value);
  return lengthOf(value) > 0;
}

/** As Go prints it: `[a b]`, `map[a:1 b:2]` in the order of the keys, `<nil>`; `<no value>` where a map has no such key. */
export function showValue(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(showValue).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const keys = Object.keys(value).sort();
  const fields = keys.map((key) => `${key}:${showField((value as Record<string, unknown>)[key])}`);
  return `map[${fields.join(' ')}]`;
}

/** `{}` for a map's value without fields: a Go map of which only the keys count. */
function showField(value: unknown): string {
  const isBare = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return isBare && !Array.isArray(value) ? '{}' : showValue(value ?? null);
}

/** A record of fixed fields, as Go prints a struct: `{a 1 [x]}`; what is below a name of `maps` is a map. */
export function showRecord(value: unknown, maps: ReadonlySet<string>): string {
  if (Array.isArray(value)) return `[${value.map((each) => showRecord(each, maps)).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return showValue(value);
  const fields = Object.entries(value).map(([key, field]: [string, unknown]) =>
    maps.has(key) ? showValue(field ?? {}) : showRecord(field ?? null, maps),
  );
  return `{${fields.join(' ')}}`;
}

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

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

/** Of a record the value of a key, '' when there is none; of a list the element at a position. */
function elementOf(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const position = countOf(key);
    if (position < value.length) return value[position] as unknown;
    throw new BadArgument(`error calling index: index out of range: ${position}`);
  }
  if (value === null) return '';
  if (typeof value !== 'object' || value === null) {
    throw new BadArgument(`${JSON.stringify(value ?? null)} cannot be indexed`);
  }
  const name = showValue(key);
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : '';
}

function sliceOf(value: unknown, from: number, to: number): unknown {
  if (from > to || to > lengthOf(value)) throw new BadArgument(`cannot take ${from} to ${to} of it`);
  if (typeof value === 'string') return Buffer.from(value).subarray(from, to).toString();
  return listOf(value, 'slice').slice(from, to);
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  throw new BadArgument('only two numbers or two texts can be compared');
}

function printf(format: string, args: readonly unknown[]): string {
  const rest = [...args];
  return format.replace(
    /%(-?)(0?)(\d*)([a-zA-Z%])/g,
    (verb, left: string, zero: string, width: string, letter: string) => {
      if (letter === '%') return '%';
      const text = verbText(letter, rest.shift(), verb);
      const size = Number(width || 0);
      return left === '-' ? text.padEnd(size) : text.padStart(size, zero === '0' ? '0' : ' ');
    },
  );
}

function verbText(letter: string, value: unknown, verb: string): string {
  switch (letter) {
    case 's':
    case 'v':
    case 'd':
    case 't':
      return showValue(value);
    case 'q':
      return JSON.stringify(showValue(value));
    case 'x':
      return typeof value === 'number' ? value.toString(16) : Buffer.from(showValue(value)).toString('hex');
    default:
      throw new BadArgument(`'${verb}' is none of %s %v %d %t %q %x`);
  }
}
