/**
 * Words of Dockerfile instructions: split at blanks outside of quotes, quotes and backslashes taken away, `$NAME` and
 * `${NAME}` replaced. Dockerfile reference, "Environment replacement".
 */

import { UserError } from '../errno/user-error.js';

/** Quotes and backslashes stay in the words. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '\\' && quote !== "'" && at + 1 < text.length) {
      word += char + text[++at];
    } else if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
    } else {
      if (quote === '' && (char === '"' || char === "'")) quote = char;
      else if (char === quote) quote = '';
      word += char;
    }
  }
  if (quote !== '') throw new UserError(`a quote ${quote} is not closed`);
  if (word !== '') words.push(word);
  return words;
}

/** `a=b c="d e"`, or the old form `name the rest`. Quotes stay. */
export function namesAndValues(text: string): [string, string][] {
  const words = splitWords(text);
  const first = words[0] ?? '';
  if (!first.includes('=')) {
    const value = text.trimStart().slice(first.length).trim();
    if (value === '') throw new UserError(`'${first}' has no value`, { hint: 'it is NAME=VALUE' });
    return [[first, value]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) throw new UserError(`'${word}' is no NAME=VALUE`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Without quotes and backslashes, variables replaced; an unknown one is empty. */
export function expandWord(word: string, variables: ReadonlyMap<string, string>): string {
  let result = '';
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const char = word[at]!;
    const next = word[at + 1];
    if (char === '\\' && quote !== "'" && next !== undefined) {
      const isLiteral = quote === '"' && !'"$\\'.includes(next);
      result += isLiteral ? char + next : next;
      at++;
    } else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
    else if (char === '$' && quote !== "'") {
      const match = /^\$(?:\{(\w+)\}|([A-Za-z_]\w*))/.exec(word.slice(at));
      if (match === null) result += char;
      else {
        result += variables.get(match[1] ?? match[2] ?? '') ?? '';
        at += match[0].length - 1;
      }
    } else result += char;
  }
  return result;
}
