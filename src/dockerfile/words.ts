/**
 * The words of an instruction: quotes, escapes and variables, as the Dockerfile reference ("Environment replacement",
 * "Shell and exec form") describes them and moby's shell lexer reads them.
 */

import { UserError } from '../errno/user-error.js';
import { cutValue, replaceInValue } from './cut-value.js';
import { ExpansionLimits } from './expansion-limits.js';

/** The value of a variable; undefined: not set. */
export type Lookup = (name: string) => string | undefined;

interface Reader {
  readonly text: string;
  readonly escape: string;
  readonly lookup: Lookup;
  /** Quotes are characters like others. */
  readonly keepsQuotes: boolean;
  readonly limits: ExpansionLimits;
  at: number;
}

interface Word {
  text: string;
  /** Something was there, if only a pair of quotes. */
  exists: boolean;
}

function readerOf(text: string, lookup: Lookup, escapeChar: string): Reader {
  return { text, escape: escapeChar, lookup, keepsQuotes: false, limits: new ExpansionLimits(), at: 0 };
}

/** One value: quotes gone, variables replaced, blanks kept. @throws UserError for quotes or braces without an end. */
export function expandValue(text: string, lookup: Lookup, escapeChar = '\\'): string {
  return readAll(readerOf(text, lookup, escapeChar));
}

/** The content of a here-document: variables replaced, escapes gone, quotes kept. @throws UserError */
export function expandUnquoted(text: string, lookup: Lookup): string {
  return readAll({ ...readerOf(text, lookup, '\\'), keepsQuotes: true });
}

function readAll(reader: Reader): string {
  let out = '';
  while (reader.at < reader.text.length) out += readPiece(reader);
  return out;
}

/** Words between blanks; blanks that a variable brings divide too, but not inside quotes. */
export function expandWords(text: string, lookup: Lookup, escapeChar = '\\'): string[] {
  const reader = readerOf(text, lookup, escapeChar);
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

/** The JSON form `["a", "b"]`; undefined: it is the shell form. @throws UserError for an array of something else. */
export function jsonForm(text: string): string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  const value = arrayIn(text);
  if (value === undefined || value.every((item) => typeof item === 'string')) return value;
  throw new UserError(`in '${text.trim()}' something is no string`, { hint: 'write ["a", "b"]' });
}

function arrayIn(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch (error) {
    // As for Docker, what is no JSON is a command that begins with a bracket.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readPiece(reader: Reader): string {
  const char = reader.text[reader.at]!;
  if (!reader.keepsQuotes && char === "'") return readSingle(reader);
  if (!reader.keepsQuotes && char === '"') return readDouble(reader);
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
  if (next !== '"' && next !== '$' && next !== reader.escape) return reader.escape;
  reader.at += 1;
  return next;
}

/** A name, or one of the shell's own parameters, which are never set here. */
const NAME = /\d+|[@*#?\-$!]|[\p{L}_][\p{L}\p{Nd}_]*/uy;

function readName(reader: Reader): string {
  NAME.lastIndex = reader.at;
  const [name = ''] = NAME.exec(reader.text) ?? [];
  reader.at += name.length;
  return name;
}

function readVariable(reader: Reader): string {
  reader.at += 1;
  const value = reader.text[reader.at] === '{' ? readBraces(reader) : readPlain(reader);
  reader.limits.addCharacters(value.length);
  return value;
}

function readPlain(reader: Reader): string {
  const name = readName(reader);
  return name === '' ? '$' : (reader.lookup(name) ?? '');
}

const OPERATOR = /:?[-+?]|##?|%%?|\/\/?|\}/y;

function readBraces(reader: Reader): string {
  reader.at += 1;
  const name = readName(reader);
  OPERATOR.lastIndex = reader.at;
  const [operator = ''] = OPERATOR.exec(reader.text) ?? [];
  if (name === '' || operator === '') throw unreadable(reader, name);
  reader.at += operator.length;
  if (operator === '}') return reader.lookup(name) ?? '';
  reader.limits.enterBraces();
  const value = applyOperator(reader, name, operator);
  reader.limits.leaveBraces();
  return value;
}

function applyOperator(reader: Reader, name: string, operator: string): string {
  const { limits } = reader;
  const value = (): string => reader.lookup(name) ?? '';
  if (/[#%]/.test(operator)) {
    const pattern = readUntil(reader, '}', 'raw');
    return cutValue(value(), { operator, pattern }, limits);
  }
  if (!operator.startsWith('/')) return choose(reader, name, operator);
  const pattern = readUntil(reader, '/', 'raw');
  // Without a replacement, the match goes.
  const isOver = reader.text[reader.at - 1] === '}';
  const replacement = isOver ? '' : readUntil(reader, '}', 'raw');
  return replaceInValue(value(), { pattern, replacement, isGlobal: operator === '//' }, limits);
}

function unreadable({ text, at }: Reader, name: string): UserError {
  if (at >= text.length) return new UserError(`a brace in '${text}' has no end`);
  if (name === '') return new UserError(`cannot read the variable in '${text}'`);
  return new UserError(`'\${${name}${text.slice(at)}' uses a modifier that is not supported`);
}

/** Up to a character, with quotes and variables inside replaced; `raw` keeps escapes, which patterns need. */
function readUntil(reader: Reader, stop: '}' | '/', escapes: 'raw' | 'gone'): string {
  let out = '';
  for (;;) {
    const char = reader.text[reader.at];
    if (char === undefined) throw new UserError(`a brace in '${reader.text}' has no end`);
    if (char === stop || (stop === '/' && char === '}')) {
      reader.at += 1;
      return out;
    }
    if (escapes === 'raw' && char === reader.escape) {
      out += reader.text.slice(reader.at, reader.at + 2);
      reader.at += 2;
    } else out += readPiece(reader);
  }
}

function choose(reader: Reader, name: string, operator: string): string {
  const word = readUntil(reader, '}', 'gone');
  const value = reader.lookup(name);
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
