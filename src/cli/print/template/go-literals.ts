/**
 * The literals of a template, as Go writes them: numbers in any base, characters, text in quotes.
 *
 * An integer is a number, a character the number of its code point; what is written as a fraction or with an exponent is a
 * Float, since Go prints and compares it otherwise.
 */

/** A number of Go's type float64. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** @returns undefined when it is no number of Go's. */
export function numberOf(text: string): number | Float | undefined {
  const plain = text.replaceAll('_', '');
  const [, sign = '', digits = ''] = /^([-+]?)(.*)$/s.exec(plain) ?? [];
  const isHex = /^0x/i.test(digits);
  if (!isHex && /[.e]/i.test(digits)) {
    const value = Number(plain);
    return Number.isNaN(value) ? undefined : new Float(value);
  }
  const value = Number(/^0\d+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (Number.isNaN(value)) return undefined;
  return sign === '-' && value !== 0 ? -value : value;
}

const ESCAPE = /\\(?:x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([abfnrtv\\'"])|(.|$))/gs;

const LETTERS: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** @param quoted with its quotes. @returns undefined for an escape that Go does not know. */
export function textOf(quoted: string): string | undefined {
  const quote = quoted[0];
  let isKnown = true;
  const bytes = Buffer.from(quoted.slice(1, -1)).toString('latin1');
  // In bytes, since \xff is one of them, whatever the others make of it.
  const text = bytes.replace(ESCAPE, (_, hex, octal, short, long, letter: string | undefined) => {
    const byte = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
    if (hex !== undefined || (octal !== undefined && byte < 256)) return String.fromCharCode(byte);
    const point = Number.parseInt(short ?? long ?? '', 16);
    if (point <= MOST_POINT) return Buffer.from(String.fromCodePoint(point)).toString('latin1');
    if (letter !== undefined && !(letter !== quote && QUOTES.has(letter))) return LETTERS[letter] ?? letter;
    isKnown = false;
    return '';
  });
  return isKnown ? Buffer.from(text, 'latin1').toString() : undefined;
}

const MOST_POINT = 0x10ffff;
const QUOTES = new Set(['"', "'"]);

/** The code point of `'x'`. @returns undefined when it is not one character. */
export function characterOf(quoted: string): number | undefined {
  const byte = /^'\\(?:x([\da-fA-F]{2})|([0-7]{3}))'$/.exec(quoted);
  if (byte !== null)
    return byte[1] === undefined ? Number.parseInt(byte[2] ?? '', 8) : Number.parseInt(byte[1], 16);
  const characters = [...(textOf(quoted) ?? '')];
  return characters.length === 1 ? characters[0]?.codePointAt(0) : undefined;
}

/** In double quotes, as Go's strconv.Quote does. @param printable which characters stay as they are. */
export function quoted(text: string, printable = PRINTABLE, quote = '"'): string {
  const inner = [...text].map((char) => {
    if (char === quote || char === '\\') return `\\${char}`;
    if (printable.test(char)) return char;
    const letter = Object.keys(LETTERS).find((key) => LETTERS[key] === char);
    if (letter !== undefined) return `\\${letter}`;
    const point = char.codePointAt(0) ?? 0;
    if (point < 0x80) return `\\x${point.toString(16).padStart(2, '0')}`;
    return point > 0xffff
      ? `\\U${point.toString(16).padStart(8, '0')}`
      : `\\u${point.toString(16).padStart(4, '0')}`;
  });
  return `${quote}${inner.join('')}${quote}`;
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
export const PRINTABLE_ASCII = /^[ -~]$/;
