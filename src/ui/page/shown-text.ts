/** Text for people: names with what could mislead written out, sizes, modes, times. */

/** As errno/printable.ts has it: controls, separators of lines, what is invisible or turns the text, bytes that are no UTF-8. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;

const LETTERS: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\x1b': '\\e' };

export function shownName(name: string): string {
  return name.replace(UNSAFE, (char) => LETTERS[char] ?? escaped(char.codePointAt(0) ?? 0));
}

function escaped(code: number): string {
  // Half a surrogate pair stands for a byte that is no UTF-8.
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** The same of text with lines. */
export function shownLines(text: string): string {
  return text.split('\n').map(shownName).join('\n');
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function shownSize(bytes: number | undefined): string {
  if (bytes === undefined) return '–';
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

const TYPE_LETTERS: Readonly<Record<string, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  character: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
};

/** As ls(1): `-rwsr-xr-x`. */
export function shownMode(type: string, mode: number): string {
  const bits = (shift: number): string => {
    const three = (mode >> shift) & 7;
    return `${three & 4 ? 'r' : '-'}${three & 2 ? 'w' : '-'}${three & 1 ? 'x' : '-'}`;
  };
  const special = (text: string, bit: number, letter: string): string => {
    if ((mode & bit) === 0) return text;
    return `${text.slice(0, 2)}${text.endsWith('x') ? letter : letter.toUpperCase()}`;
  };
  const owner = special(bits(6), 0o4000, 's');
  const group = special(bits(3), 0o2000, 's');
  const others = special(bits(0), 0o1000, 't');
  return `${TYPE_LETTERS[type] ?? '?'}${owner}${group}${others}`;
}

/** Where the user is, to the second. */
export function shownTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '';
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `1 file`, `2,000 files`. */
export function shownCount(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

const DIGEST = /[0-9a-f]{64}/g;
const DIGEST_DIGITS = 12;

/** What a store's own folders lie in. */
const STORE = /^.*\/(?=(?:layers|containers)\/[0-9a-f]{64}\/)/s;

/** Where something lies in the store. */
export function placeInStore(path: string): string {
  return withShortDigests(path.replace(STORE, '…/'));
}

/** Digests as people tell them apart. */
export function withShortDigests(text: string): string {
  return text.replace(DIGEST, (digest) => `${digest.slice(0, DIGEST_DIGITS)}…`);
}
