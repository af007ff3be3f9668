/**
 * `printf` of templates: verbs, flags, width and precision as in Go's package fmt (1.24), for what a template can have: text,
 * integers, fractions, truth, nothing, lists and records.
 *
 * As in Go no mistake is an error: what does not fit is told in the text (`%!d(string=a)`, `%!s(MISSING)`).
 */

import { formatFloat } from './format-float.js';
import { Float, PRINTABLE_ASCII, quoted } from './go-literals.js';
import { Typed } from './go-types.js';
import { BadArgument, showValue } from './show-value.js';

/** Go's own bound. */
const MOST_WIDTH = 1_000_000;

interface Verb {
  readonly letter: string;
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
}

const VERB = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(?:\[(\d+)\])?(.?)/gsu;

export function printf(format: string, args: readonly unknown[]): string {
  let next = 0;
  let isReordered = false;
  const text = format.replace(VERB, (_whole, flags: string, wide, precise, index, letter: string) => {
    const size = (given: string | undefined) => (given === '*' ? numberAt(args[next++]) : Number(given));
    const width = wide === undefined ? 0 : size(wide);
    const precision = precise === undefined ? undefined : size(precise);
    if (letter === '') return '%!(NOVERB)';
    if (letter === '%') return '%';
    if (index !== undefined) {
      isReordered = true;
      next = Number(index) - 1;
      if (next < 0 || next >= args.length) return `%!${letter}(BADINDEX)`;
    }
    if (next >= args.length) return `%!${letter}(MISSING)`;
    if (Math.max(Math.abs(width), precision ?? 0) > MOST_WIDTH)
      throw new BadArgument(`'%${letter}' is wider than ${MOST_WIDTH}`);
    const left = width < 0 ? `${flags}-` : flags;
    return formatValue({ letter, flags: left, width: Math.abs(width), precision }, args[next++]);
  });
  const rest = isReordered ? [] : args.slice(next);
  const extra = rest.map((arg) =>
    arg === null ? '<nil>' : `${typeName(arg)}=${showValue(arg instanceof Typed ? arg.value : arg)}`,
  );
  return rest.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`;
}

function numberAt(value: unknown): number {
  const plain = value instanceof Typed ? value.value : value;
  return typeof plain === 'number' ? plain : 0;
}

function formatValue(verb: Verb, value: unknown, type = typeName(value)): string {
  const { letter, flags } = verb;
  if (letter === 'T') return padded(verb, typeName(value));
  if (value instanceof Typed) return formatValue(verb, value.value, value.type);
  if (letter === 'v' && flags.includes('#')) return padded(verb, sourceOf(value));
  if (value === undefined || value === null) {
    const text = showValue(value);
    return letter === 'v' ? padded(verb, text) : `%!${letter}(${text})`;
  }
  if (Array.isArray(value)) return `[${value.map((each) => formatValue(verb, each)).join(' ')}]`;
  if (typeof value === 'object' && !(value instanceof Float)) {
    const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${fields.map(([key, field]) => `${formatValue(verb, key)}:${formatValue(verb, field)}`).join(' ')}]`;
  }
  const text = plainText(verb, value as string | number | boolean | Float);
  if (text !== undefined) return padded(verb, text);
  return `%!${letter}(${type}=${formatValue({ ...verb, letter: 'v' }, value)})`;
}

/** @returns undefined when the verb is none for such a value. */
function plainText(verb: Verb, value: string | number | boolean | Float): string | undefined {
  if (value instanceof Float) return floatText(verb, value);
  if (typeof value === 'string') return stringText(verb, value);
  if (typeof value === 'number') return integerText(verb, value);
  return verb.letter === 't' || verb.letter === 'v' ? String(value) : undefined;
}

function stringText({ letter, flags, precision }: Verb, value: string): string | undefined {
  const text = precision === undefined ? value : [...value].slice(0, precision).join('');
  switch (letter) {
    case 's':
    case 'v':
      return text;
    case 'q':
      if (flags.includes('#') && /^[^`\p{C}]*$/u.test(text)) return `\`${text}\``;
      return flags.includes('+') ? quoted(text, PRINTABLE_ASCII) : quoted(text);
    case 'x':
    case 'X':
      return hexOf(Buffer.from(value).subarray(0, precision), { letter, flags });
    default:
      return undefined;
  }
}

function hexOf(bytes: Buffer, { letter, flags }: Pick<Verb, 'letter' | 'flags'>): string {
  const prefix = flags.includes('#') ? '0x' : '';
  const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  const text = flags.includes(' ')
    ? pairs.map((pair) => `${prefix}${pair}`).join(' ')
    : `${pairs.length === 0 ? '' : prefix}${pairs.join('')}`;
  return letter === 'X' ? text.toUpperCase() : text;
}

const BASES: Readonly<Record<string, { readonly base: number; readonly prefix: string }>> = {
  d: { base: 10, prefix: '' },
  v: { base: 10, prefix: '' },
  b: { base: 2, prefix: '0b' },
  o: { base: 8, prefix: '0' },
  O: { base: 8, prefix: '0o' },
  x: { base: 16, prefix: '0x' },
  X: { base: 16, prefix: '0X' },
};

function integerText({ letter, flags, width, precision }: Verb, value: number): string | undefined {
  const form = BASES[letter];
  if (form === undefined) return characterText({ letter, flags }, value);
  const sign = value < 0 ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const prefix = flags.includes('#') || letter === 'O' ? form.prefix : '';
  const isZeroPadded = flags.includes('0') && !flags.includes('-') && precision === undefined;
  const digits = Math.abs(value)
    .toString(form.base)
    .padStart(isZeroPadded ? width - sign.length : (precision ?? 0), '0');
  return `${sign}${prefix}${letter === 'X' ? digits.toUpperCase() : digits}`;
}

const REPLACEMENT = 0xfffd;

function characterText({ letter, flags }: Pick<Verb, 'letter' | 'flags'>, value: number): string | undefined {
  const isPoint = value >= 0 && value <= 0x10ffff && !(value >= 0xd800 && value < 0xe000);
  const character = String.fromCodePoint(isPoint ? value : REPLACEMENT);
  if (letter === 'c') return character;
  if (letter === 'q') return quoted(character, flags.includes('+') ? PRINTABLE_ASCII : undefined, "'");
  if (letter !== 'U') return undefined;
  const number = `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
  return flags.includes('#') ? `${number} '${character}'` : number;
}

function floatText({ letter, flags, width, precision }: Verb, { value }: Float): string | undefined {
  if (!/^[eEfFgGv]$/.test(letter)) return undefined;
  const text = formatFloat(Math.abs(value), letter, precision);
  const sign = value < 0 ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const isZeroPadded = flags.includes('0') && !flags.includes('-');
  return `${sign}${isZeroPadded ? text.padStart(width - sign.length, '0') : text}`;
}

function padded({ flags, width }: Verb, text: string): string {
  const missing = ' '.repeat(Math.max(0, width - [...text].length));
  return flags.includes('-') ? `${text}${missing}` : `${missing}${text}`;
}

const TYPES: Readonly<Record<string, string>> = { string: 'string', number: 'int', boolean: 'bool' };

/** The type that Docker's templates see, of records without a type of their own. */
export function typeName(value: unknown): string {
  if (value instanceof Typed) return value.type;
  if (value === null || value === undefined) return '<nil>';
  if (value instanceof Float) return 'float64';
  const inner = (values: readonly unknown[]) =>
    values.length > 0 && values.every((each) => typeof each === 'string') ? 'string' : 'interface {}';
  if (Array.isArray(value)) return `[]${inner(value)}`;
  if (typeof value === 'object') return `map[string]${inner(Object.values(value))}`;
  return TYPES[typeof value] ?? 'interface {}';
}

/** As Go source has it: `%#v`. */
function sourceOf(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (value === null || value === undefined) return '<nil>';
  if (typeof value !== 'object' || value instanceof Float) return showValue(value);
  const fields = Array.isArray(value)
    ? value.map(sourceOf)
    : Object.entries(value).map(([key, field]) => `${quoted(key)}:${sourceOf(field)}`);
  return `${typeName(value)}{${fields.join(', ')}}`;
}
