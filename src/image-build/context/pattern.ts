/**
 * Patterns for paths: Go's filepath.Match, which COPY and ADD use for each part of a source, and the same with `**`, which
 * `.dockerignore` has. Case counts, and `*` and `?` match no slash.
 */

import { type PatternStep, Wildcards } from '../../dockerfile/wildcards.js';
import { UserError } from '../../errno/user-error.js';
import { displayName, type Name } from '../../vfs/name.js';

/** `**`, with the slash behind it. */
const ANY_DEPTH = /\*\*\/?/y;

/** A test for one part of a path. @throws UserError for a pattern without meaning. */
export function partMatcher(pattern: string): (name: string) => boolean {
  const wildcards = new Wildcards(tokensOf(pattern).map(stepOf));
  return (name) => wildcards.matches(name);
}

/** As people search: without a slash a pattern is one of names, else of whole paths below the root. @throws UserError */
export function searchMatcher(pattern: string): (path: Name) => boolean {
  if (!pattern.includes('/')) {
    const matches = partMatcher(pattern);
    return (path) => matches(displayName(path.slice(path.lastIndexOf('/') + 1)));
  }
  const matches = pathMatcher(pattern.replace(/^\/+/, ''));
  return (path) => matches(displayName(path));
}

/** A test for a whole path. @throws UserError for a pattern without meaning. */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const wildcards = new Wildcards(tokensOf(pattern).map(deepStepOf));
  return (path) => wildcards.matches(path);
}

type Token =
  | { readonly type: 'literal'; readonly text: string }
  | { readonly type: 'any' | 'one' }
  | { readonly type: 'deep'; readonly hasSlash: boolean }
  | { readonly type: 'class'; readonly isNegated: boolean; readonly ranges: readonly [string, string][] };

const noSlash = (char: string): boolean => char !== '/';
const all = (): boolean => true;

function stepOf(token: Token): PatternStep {
  switch (token.type) {
    case 'literal':
      return { takes: 'one', test: (char) => char === token.text };
    case 'any':
    case 'deep':
      return { takes: 'many', test: noSlash };
    case 'one':
      return { takes: 'one', test: noSlash };
    case 'class':
      return { takes: 'one', test: classOf(token.ranges, { isNegated: token.isNegated }) };
  }
}

/** `**` at the end is all that follows, elsewhere any number of directories; `**x` at the beginning ends in x. */
function deepStepOf(token: Token, index: number, tokens: readonly Token[]): PatternStep {
  if (token.type !== 'deep') return stepOf(token);
  if (index === tokens.length - 1) return { takes: 'many', test: all };
  const [first, ...rest] = tokens.slice(index + 1);
  const isSuffix = index === 0 && first?.type === 'literal' && rest.every(({ type }) => type === 'literal');
  return isSuffix && !token.hasSlash ? { takes: 'many', test: all } : { takes: 'directories' };
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; ) {
    const char = String.fromCodePoint(pattern.codePointAt(at)!);
    ANY_DEPTH.lastIndex = at;
    const [deep] = ANY_DEPTH.exec(pattern) ?? [];
    if (deep !== undefined) {
      tokens.push({ type: 'deep', hasSlash: deep.endsWith('/') });
      at += deep.length;
    } else if (char === '*' || char === '?') {
      tokens.push({ type: char === '*' ? 'any' : 'one' });
      at += 1;
    } else if (char === '[') {
      const { token, end } = readClass(pattern, at);
      tokens.push(token);
      at = end;
    } else {
      const { text, end } = readChar(pattern, at);
      tokens.push({ type: 'literal', text });
      at = end;
    }
  }
  return tokens;
}

/** A backslash takes the meaning from what follows. */
function readChar(pattern: string, at: number): { readonly text: string; readonly end: number } {
  const start = pattern[at] === '\\' ? at + 1 : at;
  const code = pattern.codePointAt(start);
  if (code === undefined) throw invalid(pattern, 'it ends within an escape');
  const text = String.fromCodePoint(code);
  return { text, end: start + text.length };
}

function readClass(pattern: string, start: number): { readonly token: Token; readonly end: number } {
  let at = start + 1;
  const isNegated = pattern[at] === '^';
  if (isNegated) at += 1;
  const ranges: [string, string][] = [];
  while (pattern[at] !== ']' || ranges.length === 0) {
    const low = readBound(pattern, at);
    at = low.end;
    let high = low.text;
    if (pattern[at] === '-') {
      const bound = readBound(pattern, at + 1);
      high = bound.text;
      at = bound.end;
    }
    if (at >= pattern.length) throw invalid(pattern, 'a bracket has no end');
    // Go takes a range that goes down, and nothing is in it.
    if (low.text.codePointAt(0)! <= high.codePointAt(0)!) ranges.push([low.text, high]);
    else ranges.push(['', '']);
  }
  return { token: { type: 'class', isNegated, ranges }, end: at + 1 };
}

function readBound(pattern: string, at: number): { readonly text: string; readonly end: number } {
  if (at >= pattern.length) throw invalid(pattern, 'a bracket has no end');
  if (pattern[at] === '-' || pattern[at] === ']')
    throw invalid(pattern, `'${pattern[at]}' stands alone in a bracket`);
  return readChar(pattern, at);
}

function classOf(
  ranges: readonly (readonly [string, string])[],
  { isNegated }: { readonly isNegated: boolean },
): (char: string) => boolean {
  const codes = ranges
    .filter(([low]) => low !== '')
    .map(([low, high]) => [low.codePointAt(0)!, high.codePointAt(0)!] as const);
  return (char) => {
    const code = char.codePointAt(0)!;
    return codes.some(([low, high]) => low <= code && code <= high) !== isNegated;
  };
}

function invalid(pattern: string, why: string): UserError {
  return new UserError(`invalid pattern '${pattern}': ${why}`);
}
