/**
 * The words of an instruction: quotes, escapes and variables, as the Dockerfile reference ("Environment replacement",
 * "Shell and exec form") describes them and moby's shell lexer reads them.
 */

import { UserError } from '../errno/user-error.js';
import { cutValue } from './cut-value.js';

/** The value of a variable; undefined: not set. */
export type Lookup = (name: string) => string | undefined;

interface Reader {
  readonly text: string;
  readonly escape: string;
  readonly lookup: Lookup;
  at: number;
}

interface Word {
  text: string;
  /** Something was there, if only a pair of quotes. */
  exists: boolean;
}

/** One value: quotes gone, variables replaced, blanks kept. @throws UserError for quotes or braces without an end. */
export function expandValue(text: string, lookup: Lookup, escapeChar = '\\'): string {
  const reader: Reader = { text, escape: escapeChar, lookup, at: 0 };
  let out = '';
  while (reader.at < text.length) out += readPiece(reader);
  return out;
}

/** Words between blanks; blanks that a variable brings divide too, but not inside quotes. */
export function expandWords(text: string, lookup: Lookup, escapeChar = '\\'): string[] {
  const reader: Reader = { text, escape: escapeChar, lookup, at: 0 };
  const words: string[] = [];
  let word: Word = { text: '', exists: false };
  const end = (): void => {
    if (word.exists) words.push(word.text);
    word = { text: '', exists: false };
  };
  while (reader.at < text.length) {
    const char = text[reader.at]!;
    if (/\s/.test(char)) {
      end();
      reader.at += 1;
    } else if (char === '$') {
      const parts = readVariable(reader).split(/\s+/);
      for (const [index, part] of parts.entries()) {
        if (index > 0) end();
        if (part !== '') word = { text: word.text + part, exists: true };
      }
    } else {
      word = { text: word.text + readPiece(reader), exists: true };
    }
  }
  end();
  return words;
}

/** Words as they are typed, quotes and variables still in them. */
export function rawWords(text: string, escapeChar = '\\'): string[] {
  const words: string[] = [];
  let start = -1;
  let quote = '';
  for (let at = 0; at <= text.length; at += 1) {
    const char = text[at] ?? ' ';
    const isEnd = at === text.length;
    if (!isEnd && char === escapeChar && quote !== "'") {
      if (start < 0) start = at;
      at += 1;
    } else if (quote !== '' && !isEnd) {
      if (char === quote) quote = '';
    } else if (/\s/.test(char) || isEnd) {
      if (start >= 0) words.push(text.slice(start, at));
      start = -1;
    } else {
      if (start < 0) start = at;
      if (char === '"' || char === "'") quote = char;
    }
  }
  return words;
}

/**
 * `KEY=VALUE` pairs, or the old form `KEY VALUE` of one pair.
 * @throws UserError for a pair without `=`.
 */
export function expandPairs(text: string, lookup: Lookup, escapeChar = '\\'): [string, string][] {
  const words = rawWords(text, escapeChar);
  const first = words[0];
  if (first === undefined) throw new UserError('needs at least one argument');
  if (!first.includes('=')) {
    if (words.length < 2) throw new UserError(`'${first}' has no value`, { hint: 'write NAME=VALUE' });
    const rest = text.trim().slice(first.length).trim();
    return [[expandValue(first, lookup, escapeChar), expandValue(rest, lookup, escapeChar)]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) throw new UserError(`'${word}' is no NAME=VALUE`);
    const key = expandValue(word.slice(0, equals), lookup, escapeChar);
    return [key, expandValue(word.slice(equals + 1), lookup, escapeChar)];
  });
}

/** The JSON form `["a", "b"]`; undefined: it is the shell form. */
export function jsonForm(text: string): string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch (error) {
    // As for Docker, what is no JSON is a command that begins with a bracket.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readPiece(reader: Reader): string {
  const char = reader.text[reader.at]!;
  if (char === "'") return readSingle(reader);
  if (char === '"') return readDouble(reader);
  if (char === '$') return readVariable(reader);
  reader.at += 1;
  if (char !== reader.escape) return char;
  const next = reader.text[reader.at];
  reader.at += 1;
  return next ?? '';
}

function readSingle(reader: Reader): string {
  const end = reader.text.indexOf("'", reader.at + 1);
  if (end < 0) throw new UserError(`a single quote in '${reader.text}' has no end`);
  const inside = reader.text.slice(reader.at + 1, end);
  reader.at = end + 1;
  return inside;
}

function readDouble(reader: Reader): string {
  let out = '';
  reader.at += 1;
  for (;;) {
    const char = reader.text[reader.at];
    if (char === undefined) throw new UserError(`a double quote in '${reader.text}' has no end`);
    if (char === '"') {
      reader.at += 1;
      return out;
    }
    if (char === '$') {
      out += readVariable(reader);
      continue;
    }
    reader.at += 1;
    out += char === reader.escape ? readEscapedInQuotes(reader) : char;
  }
}

/** Inside double quotes the escape means something before `"`, `$` and itself alone. */
function readEscapedInQuotes(reader: Reader): string {
  const next = reader.text[reader.at];
  if (next === undefined) return reader.escape;
  reader.at += 1;
  return next === '"' || next === '$' || next === reader.escape ? next : reader.escape + next;
}

function readVariable(reader: Reader): string {
  const rest = reader.text.slice(reader.at);
  const plain = /^\$([A-Za-z_]\w*|\d)/.exec(rest);
  if (plain?.[1] !== undefined) {
    reader.at += plain[0].length;
    return reader.lookup(plain[1]) ?? '';
  }
  const braced = /^\$\{([A-Za-z_]\w*)(:?[-+?]|##?|%%?|\/\/?)?/.exec(rest);
  if (!braced) {
    if (rest.startsWith('${')) throw new UserError(`cannot read the variable in '${reader.text}'`);
    reader.at += 1;
    return '$';
  }
  reader.at += braced[0].length;
  const word = readBraced(reader);
  return substitute(reader, braced[1] ?? '', braced[2], word);
}

/** Up to the closing brace, with quotes and variables inside replaced. */
function readBraced(reader: Reader): string {
  let out = '';
  for (;;) {
    const char = reader.text[reader.at];
    if (char === undefined) throw new UserError(`a brace in '${reader.text}' has no end`);
    if (char === '}') {
      reader.at += 1;
      return out;
    }
    out += readPiece(reader);
  }
}

function substitute(reader: Reader, name: string, operator: string | undefined, word: string): string {
  const value = reader.lookup(name);
  if (operator === undefined) {
    if (word !== '') throw new UserError(`'\${${name}${word}}' uses a modifier that is not supported`);
    return value ?? '';
  }
  if (/[#%/]/.test(operator)) return cutValue(value ?? '', operator, word);
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  switch (operator.at(-1)) {
    case '-':
      return isSet ? value : word;
    case '+':
      return isSet ? word : '';
    default:
      if (isSet) return value;
      throw new UserError(`variable '${name}' is not set${word === '' ? '' : `: ${word}`}`);
  }
}
